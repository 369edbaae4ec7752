"""A change of who may do what asks a person, in whatever file it stands; its honest twin asks nobody."""

from __future__ import annotations

import pytest
from tests.core.rule.change.patches import asked, patch

GUARD = "access_guard_removed"
ATTACKS = [
    ("-@login_required\n def pay():", GUARD),
    ("-@login_required\n-def pay():\n+def pay():", GUARD),
    ("-@app.get\n-@login_required\n-@cached\n-def pay():\n+@cached\n+def pay():", GUARD),
    ("-@login_required\n-@admin_required\n-def pay():\n+@login_required\n+def pay():", GUARD),
    ("-@login_required\n-x = 1", GUARD),
    ("-  before_action :authenticate_user!", GUARD),
    ("-    @UseGuards(AuthGuard)", GUARD),
    ("-def pay(user=Depends(current_user)):\n+def pay():", GUARD),
    ("-  router.post('/pay', requireAuth, pay)\n+  router.post('/pay', pay)", GUARD),
    ("-    if not user.is_admin:\n-        raise PermissionDenied", GUARD),
    ("-        abort(403)", GUARD),
    ("-        return Response(status=403)\n+        return Response(status=200)", GUARD),
    ("-        $this->authorize('pay', $order);", GUARD),
    ("-Route::get('/pay', 'Pay')->middleware('auth');\n+Route::get('/pay', 'Pay');", GUARD),
    ("+@csrf_exempt", "access_opened"),
    ("+    permission_classes = [AllowAny]", "access_opened"),
    ("+    permission_classes = []", "access_opened"),
    ("+require_auth = False", "access_opened"),
    ("+  algorithms: ['none'],", "access_opened"),
    ("-    'app.middleware.AuthMiddleware',", "middleware_removed"),
    ("-app.use(helmet())", "middleware_removed"),
    ("-    'app.middleware.Auth',\n x\n+    'app.middleware.Auth',", "middleware_reordered"),
    ("-app.add_middleware(Auth)\n x\n+app.add_middleware(Auth)", "middleware_reordered"),
    ("+    role: str = 'admin'", "default_role_changed"),
    ("+  role: 'owner',", "default_role_changed"),
    ("+    is_admin: bool = True", "default_role_changed"),
    ("-DEFAULT_ROLE = 'guest'\n+ROLE = guest()", "default_role_changed"),
]


@pytest.mark.parametrize(("text", "code"), ATTACKS)
def test_a_change_of_access_asks_a_person(text: str, code: str) -> None:
    assert code in asked(patch(text))


HONEST = [
    "+@login_required\n+def pay():",
    "-@login_required\n-def pay():\n x\n+@login_required\n+def pay():",
    "-@login_required\n-def old_page():\n-    return page()",
    "-@login_required\n-@cached\n-def pay():\n+@cached\n+@login_required\n+def pay():\n+x = 1",
    "-def pay(user=Depends(current_user)):\n+def pay(user=Depends(current_user), note=''):",
    "-    if not user.is_admin:\n+    if not user.is_admin and not late:",
    "-from app.guards import require_auth\n+from app.guard import require_auth",
    "+    if user.role == 'admin':",
    "+    is_admin = user.name in names",
    "+def get(url, auth=None):",
    "+app.use(timing())",
    "-from app.middleware import Auth\n+from app.way import Auth",
    "+    'app.middleware.Timing',",
    "+    role = chosen_role(request)",
    "-    total = 1\n+    total = 2",
]


@pytest.mark.parametrize("text", HONEST)
def test_honest_work_beside_access_asks_nobody(text: str) -> None:
    assert asked(patch(text)) == set()


def test_a_file_that_goes_takes_its_guards_along() -> None:
    text = "-@login_required\n-def pay():\n-    abort(403)\n-app.use(auth())"
    assert asked(patch(text, "app/old.py", "D")) == set()


def test_a_guard_of_another_file_is_no_excuse() -> None:
    one = patch("-    if not is_admin(user):\n x")
    other = patch("+    if not is_admin(user):", "app/other.py")
    both = type(one)(
        one.base_sha,
        one.head_sha,
        (*one.files, *other.files),
        {**one.added_text, **other.added_text},
        one.removed_text,
    )
    assert asked(both) == {GUARD}
