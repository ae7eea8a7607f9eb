from django.apps import AppConfig


class TalkingHeadConfig(AppConfig):
    name = "talking_head"
