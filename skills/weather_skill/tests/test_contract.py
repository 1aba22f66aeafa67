"""What the skill sends and what it makes of the answers, against a stand-in of the service."""

import http.server
import json
import os
import threading
import unittest
import urllib.parse

import skill

PARIS = {"name": "Paris", "main": {"temp": 12.5}, "wind": {"speed": 3}, "weather": [{"description": "light rain"}]}


class StandIn(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        self.server.seen.append(query)
        status, body = 200, PARIS
        if query["appid"] != ["right-key"]:
            status, body = 401, {"message": "Invalid API key"}
        elif query["q"] == ["Nowhere"]:
            status, body = 404, {"message": "city not found"}
        elif query["q"] == ["Odd"]:
            body = {"name": "Odd"}
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_):
        pass


class Contract(unittest.TestCase):
    def setUp(self):
        self.server = http.server.HTTPServer(("127.0.0.1", 0), StandIn)
        self.server.seen = []
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        os.environ.update({
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            "WEATHER_API_URL": "http://127.0.0.1:%d/weather" % self.server.server_port,
            "WEATHER_API_KEY": "right-key",
        })

    def tearDown(self):
        self.server.shutdown()
        self.server.server_close()

    def test_answers_what_the_service_says(self):
        expected = {"city": "Paris", "temperature_c": 12.5, "wind_m_s": 3.0, "description": "light rain"}
        self.assertEqual(skill.get_weather("Paris"), expected)
        self.assertEqual(self.server.seen[0]["q"], ["Paris"])
        self.assertEqual(self.server.seen[0]["units"], ["metric"])

    def test_sends_any_name_safely(self):
        skill.get_weather("São Paulo & q=x")
        self.assertEqual(self.server.seen[0]["q"], ["São Paulo & q=x"])

    def test_says_what_is_wrong(self):
        with self.assertRaisesRegex(ValueError, "no city 'Nowhere'"):
            skill.get_weather("Nowhere")
        with self.assertRaisesRegex(RuntimeError, "unexpected"):
            skill.get_weather("Odd")
        os.environ["WEATHER_API_KEY"] = "wrong-key"
        with self.assertRaisesRegex(PermissionError, "refuses the key"):
            skill.configure()
