"""A mongod that asks for a password."""

from collections.abc import Sequence
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from app.local.mongod import Mongod


class MongodWithAuthentication(Mongod):
    """A mongod that requires authentication after `enable_authentication`."""

    user = ""
    user_database = "admin"
    options: Sequence[str] = ()

    @property
    def url(self) -> str:
        if not self.user:
            return super().url
        url = super().url.replace("//", f"//{self.user}@")
        return f"{url}&authSource={self.user_database}"

    def run(self, command: Any, environment: Any = None) -> None:
        key = self.folder / "key"
        key.write_text("a secret of its members")
        key.chmod(0o600)
        auth_options = ["--auth", "--keyFile", str(key)] if self.user else []
        super().run([*command, *auth_options, *self.options], environment)

    def enable_authentication(
        self, roles: Sequence[str | dict[str, Any]], database: str = "admin"
    ) -> None:
        """Creates a user with these roles in a database, and restarts with authentication."""
        with MongoClient[Any](self.url) as client:
            client[database].command("createUser", "ada", pwd="love", roles=roles)
        self.stop()
        self.user = "ada:love"
        self.user_database = database
        self.start()
        self.wait_until(self.accepts_credentials)

    def accepts_credentials(self) -> bool:
        try:
            with MongoClient[Any](self.url, serverSelectionTimeoutMS=300) as client:
                return bool(client.admin.command("hello")["isWritablePrimary"])
        except PyMongoError:
            return False
