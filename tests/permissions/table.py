"""Who gets an answer where: one row for every address of the site.

A row reads "GET course; PATCH DELETE teaching": the methods that an address offers, each with the class of people whom
it answers. It sends everyone else away: visitors to the log-in, the others with 403 or 404. Methods that are not named
are offered to no one.
"""

from __future__ import annotations

from tests.permissions.people import PEOPLE

# The people of every class. "head" is a course administrator, "staff" has staff status and no permission, "operator"
# is staff with the one permission view_job.
CLASSES: dict[str, frozenset[str]] = {
    "open": frozenset(PEOPLE),
    "signed-in": frozenset(PEOPLE) - {"visitor"},
    "teachers": frozenset({"other", "owner", "superuser"}),
    "course": frozenset({"enrolled", "owner", "head", "superuser"}),  # a course, by those who take or teach it
    "teaching": frozenset({"owner", "head", "superuser"}),
    "film": frozenset({"enrolled", "owner", "head", "operator", "superuser"}),  # what a published lesson shows
    "making": frozenset({"owner", "head", "operator", "superuser"}),  # a video that no student may see
    "own": frozenset({"owner"}),
    "picture": frozenset({"owner", "operator", "superuser"}),
    "render": frozenset({"owner", "superuser"}),
    "staff": frozenset({"staff", "operator", "superuser"}),
    "operators": frozenset({"operator", "superuser"}),
    "superusers": frozenset({"superuser"}),
    "none": frozenset(),
}

LESSON, API_LESSON = "courses/<slug:slug>/lessons/<int:pk>/", "api/lessons/<int:pk>/"
JOB, VIP = "api/jobs/<uuid:job_id>/", "api/vip/"
FILE, CLIP = "media/jobs/<uuid:job_id>/<str:name>", "media/jobs/<uuid:job_id>/clips/<int:index>.mp4"
PORTRAIT, VOICE, AVATAR = "portraits/<int:pk>/", "voices/<int:pk>/", "api/avatars/<int:pk>/"

PAGES: dict[str, str] = {
    "": "GET signed-in",
    "accounts/login/": "GET POST open",
    "livez": "GET open",
    "readyz": "GET open",
    "metrics": "GET operators",
    "courses/": "GET signed-in",
    "courses/new/": "GET POST teachers",
    "courses/<slug:slug>/": "GET course",
    "courses/<slug:slug>/edit/": "GET POST teaching",
    "courses/<slug:slug>/students/": "GET teaching",
    "courses/<slug:slug>/students/add/": "POST teaching",
    "courses/<slug:slug>/students/<int:student_id>/remove/": "POST teaching",
    "courses/<slug:slug>/invitations/<int:invitation_id>/withdraw/": "POST teaching",
    "invitations/<int:invitation_id>/": "POST signed-in",  # the same words, whether or not the invitation is one's own
    "courses/<slug:slug>/lessons/": "POST teaching",
    LESSON: "GET course",
    f"{LESSON}edit/": "GET POST teaching",
    f"{LESSON}forecast/": "POST teaching",
    f"{LESSON}cancel/": "POST teaching",
    f"{LESSON}move/": "POST teaching",
    f"{LESSON}publish/": "POST teaching",
    f"{LESSON}video/": "POST teaching",
    f"{LESSON}delete/": "POST teaching",
    f"{LESSON}undelete/": "POST teaching",
    f"{LESSON}progress/": "POST course",
    "portraits/": "GET teachers",
    "portraits/new/": "GET POST teachers",
    "portraits/check/": "POST teachers",
    f"{PORTRAIT}edit/": "GET POST own",
    f"{PORTRAIT}thumbnail.jpg": "GET picture",
    f"{PORTRAIT}delete/": "POST own",
    f"{PORTRAIT}undelete/": "POST own",
    f"{PORTRAIT}withdraw/": "POST own",
    f"{PORTRAIT}keep-videos/": "POST none",
    "voices/": "GET teachers",
    "voices/new/": "GET POST teachers",
    f"{VOICE}withdraw/": "POST own",
    f"{VOICE}keep-videos/": "POST none",
}
FILES: dict[str, str] = {
    CLIP: "GET film",
    FILE: "GET film",
    "media/portraits/<str:digest>": "GET picture",
    "media/voices/<str:digest>": "GET own",
    "media/narrations/<uuid:narration_id>": "GET own",
}
API: dict[str, str] = {
    "api/schema/": "GET open",
    "api/courses/": "GET signed-in; POST teachers",
    "api/courses/<slug:slug>/": "GET course",
    "api/courses/<slug:slug>/lessons/": "GET course; POST teaching",
    API_LESSON: "GET course; PATCH DELETE teaching",
    f"{API_LESSON}generate": "POST teaching",
    f"{API_LESSON}publish": "POST teaching",
    f"{API_LESSON}use-video": "POST teaching",
    "api/avatars/": "GET POST teachers",
    AVATAR: "GET PATCH DELETE own",
    "api/jobs/": "GET signed-in; POST teachers",
    JOB: "GET film",
    f"{JOB}changes": "GET film",
    f"{JOB}cancel": "POST render",
    f"{JOB}retry": "POST render",
    "api/forecast/": "POST teachers",
    "api/voices/": "GET signed-in",
    "api/script/check": "POST teachers",
    "api/narrations/": "POST teachers",
    "api/narrations/<uuid:narration_id>/": "GET own",
    "api/cache/stats": "GET teachers",
    "api/avatar/upload": "POST teachers",
    "api/avatar/status/<str:image_id>": "GET teachers",
    f"{VIP}generate": "POST teachers",
    f"{VIP}status/<uuid:job_id>": "GET film",
    f"{VIP}download/<uuid:job_id>": "GET film",
}
ADMIN: dict[str, str] = {
    "admin/": "GET POST staff",
    "admin/login/": "GET POST open",
    "admin/password_change/": "GET POST staff",
    "admin/password_change/done/": "GET staff",
    "admin/autocomplete/": "GET superusers",
    "admin/jsi18n/": "GET staff",
    "admin/r/<path:content_type_id>/<path:object_id>/": "GET POST staff",
    "admin/<app_label>/": "GET POST superusers",
    "admin/auth/user/<id>/password/": "GET POST superusers",
    "admin/talking_head/job/dashboard/": "GET operators",
    "admin/talking_head/job/diagnosis/": "GET POST operators",
    "admin/talking_head/job/<path:object_id>/do/<slug:verb>/": "POST superusers",
    "admin/talking_head/failure/<path:object_id>/do/<slug:verb>/": "POST superusers",
}
# The pages of every model that an administrator has, by name; <object_id>/ alone redirects to change.
MODELS: dict[str, str] = {
    "auth/user": "list history add change delete",
    "auth/group": "list history add change delete",
    "authtoken/tokenproxy": "list history add change delete",
    "axes/accessattempt": "list history change delete",
    "axes/accesslog": "list history change delete",
    "axes/accessfailurelog": "list history change delete",
    "talking_head/jobaction": "list history change",
    "talking_head/failure": "list history change",
    "talking_head/job": "list history change",
    "talking_head/quota": "list history add change delete",
    "avatars/portrait": "list history change delete",
    "avatars/voicesample": "list history change delete",
    "lessons/course": "list history add change delete",
    "lessons/lesson": "list history add change delete",
    "lessons/enrolment": "list history add change delete",
    "lessons/invitation": "list history add change delete",
    "lessons/progress": "list history add change delete",
}
OF_OPERATORS = {"talking_head/job", "talking_head/failure"}
MODEL_PAGES = {
    "list": "",
    "add": "add/",
    **{page: f"<path:object_id>/{page}/" for page in ("history", "change", "delete")},
}
# They end the session and lead to the log-in, for everyone: tests/lessons/test_page_permissions.py.
NOT_ASKED = {"accounts/logout/", "admin/logout/"}
SOCKETS: dict[str, str] = {"ws/jobs/<uuid:job_id>/": "film", "": "none"}


def _of_models() -> dict[str, str]:
    rows = {}
    for model, pages in MODELS.items():
        people = "operators" if model in OF_OPERATORS else "superusers"
        for page, ending in MODEL_PAGES.items():
            rows[f"admin/{model}/{ending}"] = f"GET POST {people if page in pages.split() else 'none'}"
        rows[f"admin/{model}/<path:object_id>/"] = "GET POST staff"
    return rows


TABLE: dict[str, str] = {**PAGES, **FILES, **API, **ADMIN, **_of_models()}

_MAKING = dict.fromkeys((FILE, CLIP, JOB, f"{JOB}changes", f"{VIP}status/<uuid:job_id>"), "GET making")
_MAKING[f"{VIP}download/<uuid:job_id>"] = "GET making"
# What differs for a lesson that is not published, a video that is being made, and a withdrawn portrait or voice.
ELSEWHERE: dict[str, dict[str, str]] = {
    "unpublished": {
        **_MAKING,
        LESSON: "GET teaching",
        f"{LESSON}progress/": "POST teaching",
        API_LESSON: "GET PATCH DELETE teaching",
    },
    "draft": _MAKING,
    "withdrawn": {
        f"{PORTRAIT}edit/": "GET POST none",
        f"{PORTRAIT}thumbnail.jpg": "GET none",
        f"{PORTRAIT}keep-videos/": "POST own",
        f"{VOICE}keep-videos/": "POST own",
        AVATAR: "GET PATCH DELETE none",
        "media/portraits/<str:digest>": "GET none",
        "media/voices/<str:digest>": "GET none",
    },
}


def who_may(route: str, side: str) -> dict[str, frozenset[str]]:
    """Return the people whom an address answers, by method; a method that is missing is offered to no one."""
    allowed = {}
    for part in ELSEWHERE.get(side, {}).get(route, TABLE[route]).split("; "):
        *methods, people = part.split()
        allowed.update(dict.fromkeys(methods, CLASSES[people]))
    return allowed
