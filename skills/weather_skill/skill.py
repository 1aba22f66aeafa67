# /// script
# requires-python = ">=3.9"
# dependencies = []
# ///
"""Current weather from the OpenWeather service (its "current weather" interface, version 2.5)."""

import json
import os
import urllib.error
import urllib.parse
import urllib.request

SERVICE = "https://api.openweathermap.org/data/2.5/weather"


def get_weather(city: str) -> dict:
    """Current weather of a city, by name."""
    answer = _ask(city)
    try:
        return {
            "city": str(answer["name"]),
            "temperature_c": float(answer["main"]["temp"]),
            "wind_m_s": float(answer["wind"]["speed"]),
            "description": str(answer["weather"][0]["description"]),
        }
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise RuntimeError("the weather service answered something unexpected: %r" % error)


def configure() -> dict:
    """Tries the key once, after activation."""
    _ask("London")
    print("the weather service accepts the key")
    return {"env": {"WEATHER_LANGUAGE": os.environ.get("WEATHER_LANGUAGE", "en")}}


def probe() -> dict:
    """Ready without the network: whether there is a key is told, not demanded."""
    return {"status": "ok", "has_key": "WEATHER_API_KEY" in os.environ}


def _ask(city: str) -> dict:
    query = urllib.parse.urlencode({
        "q": city,
        "units": "metric",
        "lang": os.environ.get("WEATHER_LANGUAGE", "en"),
        "appid": os.environ["WEATHER_API_KEY"],
    })
    url = os.environ.get("WEATHER_API_URL", SERVICE) + "?" + query
    try:
        with urllib.request.urlopen(url, timeout=8) as response:
            return json.loads(response.read(100_000))
    except urllib.error.HTTPError as error:
        if error.code == 401:
            raise PermissionError("the weather service refuses the key WEATHER_API_KEY")
        if error.code == 404:
            raise ValueError("the weather service knows no city %r" % city)
        raise RuntimeError("the weather service answered with status %d" % error.code)
    except urllib.error.URLError as error:
        raise ConnectionError("the weather service cannot be reached: %s" % error.reason)
