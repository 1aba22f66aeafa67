"""Shows every host command at work, from a program that knows nothing of TypeScript:

    python examples/host/tour.py examples/skills/slugify -- skillwright host --stdio --dir ./.skills

Prints one JSON object: what each command answered, in order.
"""

import json
import sys
import threading

from skillwright_host import SkillHost, SkillHostError


def tour(host, package):
    """Takes one skill through its whole life, then has one made."""
    steps = []

    def say(command, **payload):
        try:
            answer = host.call(command, on_event=tell, **payload)
            steps.append({"command": command, "ok": True, "keys": sorted(answer)})
            return answer
        except SkillHostError as error:
            steps.append({"command": command, "ok": False, "code": error.code, "fix": error.fix})
            return {}

    info = say("skill.install", package_dir=package)["skill_info"]
    skill = info["id"]
    example = {"title": "Hello, World"}
    say("skill.run", id=skill, input=example)  # not_active: nothing serves yet
    say("skill.test", id=skill)
    say("skill.activate", id=skill)
    say("skill.run", id=skill, input=example)
    say("skill.list")
    say("skill.search", query=info["description"], limit=3)
    say("skill.status", id=skill)
    say("skill.python.start", id=skill)
    say("skill.python.list")
    overlapping(host, skill, example)
    say("request.cancel", request_id="r1")  # was answered long ago: under_way is false
    say("skill.python.stop", id=skill)
    say("skill.logs", id=skill, lines=5)
    say("skill.stats", id=skill)
    say("skill.setup", id=skill)  # tool_not_found: it needs none
    say("skill.update", id=skill)
    say("skill.disable", id=skill)
    say("skill.advance_status", id=skill, status="active")
    say("skill.quarantine", id=skill, reason="a tour")
    say("skill.rollback", id=skill)  # nothing_to_roll_back
    say("skill.uninstall", id=skill)

    made(say)
    return steps


def tell(event):
    """Long work as it goes, on standard error: a stage, how long it took, what happened within it."""
    took = "" if "ms" not in event else " %d ms" % event["ms"]
    print("  %(stage)s %(status)s" % event + took, event.get("detail", ""), file=sys.stderr)


def made(say):
    """Has skills made: a proposal is read, edited, refused; another one is installed."""
    proposal = say("skill.generate", intent="Count the vowels of a text").get("proposal", {})
    say("skill.generate.status", skill_id=proposal.get("skill_id", "none"))
    say("skill.proposals")
    say("skill.proposal", id=proposal.get("id", "none"))
    edited = say("skill.proposal.edit", id=proposal.get("id", "none"), files={"notes.txt": "edited\n"})
    newest = edited.get("proposal", proposal)
    say("skill.reject", id=newest.get("id", "none"), reason="only a tour")
    other = say("skill.generate", intent="Reverse the words of a text").get("proposal", {})
    say("skill.approve", id=other.get("id", "none"), digest=other.get("digest", "none"))


def overlapping(host, skill, example):
    """Calls from several threads at the same time."""
    values = []
    call = lambda: values.append(host.call("skill.run", id=skill, input=example)["value"])
    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(values) != 4 or len(set(map(json.dumps, values))) != 1:
        raise AssertionError("overlapping calls answered %r" % (values,))


def main(arguments):
    at = arguments.index("--")
    package, command = arguments[0], arguments[at + 1 :]
    host = SkillHost(command)
    try:
        steps = tour(host, package)
    finally:
        code = host.close()
    print(json.dumps({"steps": steps, "exit_code": code}))


if __name__ == "__main__":
    main(sys.argv[1:])
