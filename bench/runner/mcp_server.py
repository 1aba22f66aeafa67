"""The tool of `echo_skill`, served by the Python MCP SDK as its documentation shows it."""

from mcp.server import MCPServer

server = MCPServer("echo")


@server.tool()
def echo(value: str) -> str:
    """Answers what it was given."""
    return value


server.run("stdio")
