"""It loads, and says it is well, without key and network."""

import skill


def test_probe_is_well():
    assert skill.probe()["status"] == "ok"


def test_tools_are_there():
    for name in ("get_weather", "configure", "probe"):
        assert callable(getattr(skill, name))
