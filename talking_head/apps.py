from django.apps import AppConfig


class TalkingHeadConfig(AppConfig):
    name = "talking_head"
    verbose_name = "Videos"

    def ready(self) -> None:
        from talking_head.files import cleanup  # noqa: F401 - registers its signal receivers
