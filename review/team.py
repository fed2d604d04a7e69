"""Routes for leads: who may use the desk."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from catalog import reviewers
from catalog.errors import NotAdmitted
from catalog.reviewers import ROLES
from review.admission import Fields, Leading, Visitor, from_this_desk
from review.settings import DeskSettings
from review.views import page

router = APIRouter(prefix="/reviewers")


@router.get("")
def reviewers_page(request: Request, who: Leading) -> Response:
    """Who may use the desk."""
    return _page(request, who, {})


@router.post("/invite")
def invite(request: Request, form: Fields, who: Leading) -> Response:
    """Invite somebody: the link is shown once."""
    from_this_desk(request, form, who)
    settings: DeskSettings = request.app.state.settings
    role = next((role for role in ROLES if role == form.get("role")), None)
    if role is None:
        return _page(request, who, {"problem": f"choose one of the roles {', '.join(ROLES)}"}, status=422)
    try:
        name = reviewers.clean_name(form.get("name", ""))
        token = reviewers.invite(settings.root, name, role, given_by=who.reviewer.name)
    except NotAdmitted as problem:
        return _page(request, who, {"problem": str(problem)}, status=422)
    request.app.state.sessions.forget()
    return _page(request, who, {"link": f"{settings.url}/signin?token={token}", "invited": name})


@router.post("/shut-out")
def shut_out(request: Request, form: Fields, who: Leading) -> Response:
    """Take away somebody's access."""
    from_this_desk(request, form, who)
    settings: DeskSettings = request.app.state.settings
    name = form.get("name", "")
    if name == who.reviewer.name:
        return _page(request, who, {"problem": "nobody shuts themselves out: ask another lead"}, status=422)
    try:
        reviewers.shut_out(settings.root, name, given_by=who.reviewer.name)
    except NotAdmitted as problem:
        return _page(request, who, {"problem": str(problem)}, status=422)
    request.app.state.sessions.forget()
    return RedirectResponse("/reviewers", status_code=303)


def _page(request: Request, who: Visitor, values: dict[str, str], *, status: int = 200) -> Response:
    settings: DeskSettings = request.app.state.settings
    shown = {
        "people": reviewers.list_reviewers(settings.root), "roles": ROLES,
        "second": request.app.state.store.second_rule(), **values,
    }  # fmt: skip
    return page(request, "reviewers.html", shown, who=who, status=status)
