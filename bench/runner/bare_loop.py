import json, sys

for line in sys.stdin:
    request = json.loads(line)
    answer = {"jsonrpc": "2.0", "id": request["id"], "result": request["params"]["input"]["value"]}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
