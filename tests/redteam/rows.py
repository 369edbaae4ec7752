"""Every row of the attack catalogue, what stops it, and the tests that show it.

A row is concerned by stages 1 to 4 or by the control plane; then it names tests of the attack and of its honest twin.
The others say why not. The table of the page "What Keelway stops, and what it cannot" is made from this.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

T = "tests/redteam"
ROOT = Path(__file__).parents[2]
_NAMED = re.compile(r"^def (test_([a-h]\d\d)_(twin_)?\w+)\(", re.MULTILINE)


def _named() -> dict[str, tuple[list[str], list[str]]]:
    """Return the tests, and the twins, that bear a row in their name, such as ``test_e03_...`` and ``test_d02_twin_...``."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for path in sorted([*(ROOT / T).glob("test_*.py"), *(ROOT / "tests" / "consent").glob("test_*.py")]):
        for name, row, twin in _NAMED.findall(path.read_text()):
            tests = found.setdefault(row.upper(), ([], []))[bool(twin)]
            tests.append(f"{path.relative_to(ROOT)}::{name}")
    return found


NAMED = _named()


@dataclass(frozen=True)
class Row:
    """Describe one attack."""

    id: str
    attack: str
    stop: str
    """What stops it, in one clause."""
    tests: tuple[str, ...] = ()
    twins: tuple[str, ...] = ()
    """Tests in which the honest counterpart gets through."""
    beyond: str = ""
    """Why no test of stages 1 to 4 concerns it."""


def _row(name: str, attack: str, stop: str, tests: str, twins: str) -> Row:
    more, more_twins = NAMED.get(name, ([], []))
    return Row(name, attack, stop, (*tests.split(), *more), (*twins.split(), *more_twins))


_REPLAY = "tests/core/judge/test_replay.py"
_TAMPER = "tests/core/judge/test_tamper.py"
_RUNS = "tests/adapters/ci/test_pytest_runs.py"
_LIFE = "tests/workflows/test_failures.py"
_GIT = "tests/adapters/sandbox/test_hostile_git.py"
_GUARD = "tests/core/rule/test_guardrail.py"
_FENCE = "tests/clients/cage/test_fence.py"
_HONEST = f"{T}/test_honest.py::test_an_honest_change_is_let_through"
_STORY = f"{T}/test_honest.py::test_an_honest_task_reaches_production"

_REAL = "tests/redteam/judge/test_judge_pytest.py"


def _cheat(name: str, attack: str, stop: str, tests: str, twins: str) -> Row:
    """Make a row that is also played on the real judge, with a real pytest."""
    more = f"{tests} {_REAL}::test_a_cheat_is_not_accepted"
    return _row(name, attack, stop, more, f"{twins} {_REAL}::test_honest_work_is_accepted")


JUDGE = (
    _cheat("A01", "delete the failing test", "every test of the base is expected by its id",
         f"{_REPLAY}::test_anything_else_fails {T}/test_diff.py::test_whatever_was_not_planned_is_out_of_scope", f"{_REPLAY}::test_all_passed"),
    _cheat("A02", "weaken an assertion", "the base's own tests are replayed against the new source",
         f"{_LIFE}::test_a_planned_weakening_of_a_test_is_caught_by_the_replay", f"{_STORY}"),
    _cheat("A03", "mark tests as skipped or expected to fail", "each has to end exactly as passed; marks are counted",
         f"{_REPLAY}::test_anything_else_fails {_GUARD}::test_switching_a_check_off_fails", f"{_GUARD}::test_prose_may_speak_of_suppressions"),
    _cheat("A04", "rename tests so that none is collected", "expected ids", f"{_REPLAY}::test_anything_else_fails", f"{_REPLAY}::test_all_passed"),
    _cheat("A05", "hooks that rewrite outcomes", "test files of the base only; a planted test has to fail",
         f"{_RUNS}::test_a_canary_that_was_silenced_is_noticed {_RUNS}::test_a_good_exit_code_does_not_outweigh_a_failed_test",
         f"{_RUNS}::test_the_canary_is_heard_beside_the_projects_own_tests"),
    _cheat("A06", "a new configuration of the test runner", "a grant of a person", f"{_GUARD}::test_attacks_by_path_or_mode_fail_even_when_planned",
         f"{_GUARD}::test_an_existing_test_may_be_altered_with_a_grant"),
    _cheat("A07", "leave early with a good exit code", "the report counts, not the exit code; static rule",
         f"{_RUNS}::test_leaving_early_with_a_good_exit_code_is_not_passed {_TAMPER}::test_tampering", f"{_TAMPER}::test_ordinary_source"),
    _cheat("A08", "a module in the place of a trusted one", "names of the runner and of the standard library are refused",
         f"{_GUARD}::test_attacks_by_path_or_mode_fail_even_when_planned", f"{_HONEST}"),
    _cheat("A09", "sitecustomize, .pth and the like", "refused by name", "tests/core/rule/test_sensitive.py::test_shadows", f"{_HONEST}"),
    _cheat("A10", "a runner plugin from source", "static rule; a planted test has to fail", f"{_TAMPER}::test_tampering", f"{_TAMPER}::test_ordinary_source"),
    _cheat("A11", "an object that equals everything", "static rule", f"{_TAMPER}::test_tampering", f"{_TAMPER}::test_ordinary_source"),
    _cheat("A12", "behave only under test", "static rule on names and frames of the runner", f"{_TAMPER}::test_tampering {T}/test_diff.py::test_source_that_looks_at_its_judge_is_refused_wherever_it_lies", f"{_TAMPER}::test_ordinary_source {T}/test_diff.py::test_what_was_suspicious_before_may_be_worked_beside"),
    _cheat("A13", "answers made for the tests", "the running application is asked what the agent never saw; new tests have to fail on the base",
         f"{_REPLAY}::test_new_tests_that_prove_nothing tests/workflows/test_fix_loop.py::test_what_the_running_application_answers_wrongly_is_never_merged",
         f"{_REPLAY}::test_new_tests_fail_before_and_pass_after"),
    _cheat("A19", "excuse lines from coverage", "counted whatever the source excuses; pragmas are refused",
         f"tests/adapters/ci/test_coverage_runs.py::test_lines_are_counted_whatever_the_source_excuses {_GUARD}::test_switching_a_check_off_fails", f"{_HONEST}"),
    _cheat("A21", "a test target that does nothing", "commands come from the operator's file; nothing examined is not passed",
         "tests/core/gate/test_quality.py::test_what_fails", f"{_STORY}"),
    _cheat("A23", "many trivial tests", "only expected ids count, and new ones have to prove something",
         f"{_REPLAY}::test_new_tests_that_prove_nothing {_LIFE}::test_a_patch_that_does_not_hold_is_never_merged", f"{_REPLAY}::test_new_tests_fail_before_and_pass_after"),
    _row("A25", "read the future in the history", "one branch, no tags, no log of references", f"{_GIT}::test_an_agent_sees_one_branch_and_no_future",
         f"{_GIT}::test_an_agent_may_commit_and_we_take_the_files"),
)  # fmt: skip

_PLANTED = f"{T}/test_workspace.py::test_what_is_planted_in_git_is_never_run"
_VECTORS = f"{_GIT}::test_no_vector_fires_and_the_bytes_are_the_files {_GIT}::test_the_trap_would_fire_for_an_ordinary_git"
_MINE = f"{_GIT}::test_an_agent_may_commit_and_we_take_the_files"
_TWO = f"{T}/test_workspace.py"

WORKSPACE = (
    _row("B01", "a command in git's configuration", "git never runs in the workspace; plain files are imported", f"{_PLANTED} {_VECTORS}", _MINE),
    _row("B02", "hooks", "the same", f"{_PLANTED} {_VECTORS}", _MINE),
    _row("B03", "filters by attributes", "the same, and our own attributes outrank theirs", f"{_PLANTED} {_VECTORS}", _MINE),
    _row("B04", "drivers, signing, remotes that run programs", "the same", f"{_PLANTED} {_VECTORS}", _MINE),
    _row("B07", "git's folder elsewhere, objects of another task", "the workspace's own git is never read",
         f"{_PLANTED} {_VECTORS} {_TWO}::test_an_agent_that_commits_and_branches_moves_no_branch_of_ours", _MINE),
    _row("B08", "links out of the tree", "refused when they are imported; no link gets through the guardrail",
         f"{_TWO}::test_a_link_that_leads_out_never_gets_in {_TWO}::test_a_link_that_stays_inside_is_no_plain_file_either "
         f"{_TWO}::test_a_file_behind_a_folder_that_became_a_link_stays_outside", "tests/adapters/sandbox/test_private_clone.py::test_links_that_stay_inside_get_in"),
    _row("B09", "repositories in the repository", "refused when they are imported", f"{_TWO}::test_a_repository_inside_never_gets_in",
         "tests/adapters/sandbox/test_private_clone.py::test_ignored_files_stay_out_even_with_repositories_in_them"),
    _row("B10", "hostile names in a tree", "git checks every object that it receives", f"{_TWO}::test_a_hostile_tree_in_a_persons_repository_is_not_taken_over",
         f"{_TWO}::test_an_ordinary_tree_in_a_persons_repository_is_taken_over"),
    _row("B12", "protected names in other clothes", "names are folded before they are compared", f"{_TWO}::test_a_protected_name_in_other_clothes_is_the_protected_name",
         f"{_TWO}::test_a_name_with_an_accent_is_an_ordinary_name"),
    _row("B14", "a harmless file moves onto a protected path", "no renames: both sides are judged",
         f"{_TWO}::test_a_harmless_file_that_moves_onto_a_protected_path_is_seen_on_both_sides", f"{_TWO}::test_a_planned_move_is_fine"),
    _row("B15", "only the mode is altered", "modes are part of the facts", f"{_TWO}::test_a_file_that_only_became_executable_is_refused "
         f"{_TWO}::test_a_new_executable_waits_for_a_person", "tests/adapters/sandbox/test_private_clone.py::test_executable_bit_and_binary_survive"),
    _row("B16", "attributes that alter bytes", "forbidden, and without effect", f"{_TWO}::test_attributes_neither_get_in_nor_alter_a_byte {_VECTORS}", _MINE),
    _row("B17", "hidden files", "judged is the commit, not the folder", f"{_TWO}::test_a_file_that_hides_behind_gitignore_is_not_there_for_the_judge "
         f"{_TWO}::test_an_index_that_skips_a_file_hides_nothing", f"{_STORY}"),
    _row("B18", "orders for the next agent", "forbidden paths, in plan and patch", f"{_TWO}::test_orders_for_the_next_agent_are_refused "
         f"{_TWO}::test_orders_for_the_next_agent_cannot_be_planned", f"{_TWO}::test_prose_is_no_order"),
    _row("B20", "a process that stays", "the sandbox ends with everything in it", f"{_FENCE}::test_nothing_survives_a_kill "
         f"{_FENCE}::test_nothing_survives_the_end_of_the_command tests/adapters/agent/test_leftovers.py::test_a_daemon_ends_with_a_completed_run",
         "tests/adapters/agent/test_leftovers.py::test_two_runs_at_once_do_not_touch_each_other"),
    _row("B23", "read other tasks, the book, tokens", "the sandbox shows nothing else", f"{_FENCE}::test_what_is_not_shown_is_neither_read_nor_written "
         f"{_FENCE}::test_only_its_own_processes_show_and_none_has_rights tests/clients/cage/test_battery.py::test_bubblewrap_lets_nothing_through",
         f"{_FENCE}::test_the_workspace_and_the_home_can_be_written_and_are_given_back"),
    _row("B24", "reach services of this machine", "a network of its own; the token even on loopback", f"{_FENCE}::test_the_loopback_of_the_host_is_out_of_reach "
         "tests/web/test_door.py::test_without_the_token_nothing_is_done", "tests/web/test_door.py::test_loopback_names_are_served"),
)  # fmt: skip

_DIFF = f"{T}/test_diff.py"
DIFF = (
    _row("C01", "alter CI, deploy scripts, policy", "forbidden paths", f"{T}/test_control.py::test_the_policy_is_not_in_the_reach_of_a_patch "
         f"{_GUARD}::test_attacks_by_path_or_mode_fail_even_when_planned", f"{_HONEST}"),
    _row("C02", "loosen the policy and use it at once", "the operator's file counts, and it is forbidden", f"{T}/test_control.py::test_the_policy_is_not_in_the_reach_of_a_patch", f"{_HONEST}"),
    _row("C04", "credentials in the patch", "shapes and entropy on added lines; scanners", "tests/core/rule/test_secrets.py::test_found tests/adapters/scanner/test_bench.py::test_a_value_of_ours_is_found_in_every_dress "
         f"{_GUARD}::test_a_secret_fails_without_being_repeated", f"{_HONEST}"),
    _row("C07", "invisible and reordering letters", "forbidden on added lines", f"{_GUARD}::test_hidden_characters_fail", f"{_GUARD}::test_visible_text_is_fine"),
    _row("C08", "names in two scripts", "high risk, so a person is asked", f"{_DIFF}::test_a_name_in_two_scripts_waits_for_a_person", f"{_DIFF}::test_a_word_in_one_other_script_is_fine"),
    _row("C09", "too large to read", "bounds on files, lines, line length; no binaries", f"{_DIFF}::test_a_patch_that_nobody_can_read_is_refused "
         f"{_DIFF}::test_a_minified_line_is_refused {_DIFF}::test_a_binary_is_refused {_DIFF}::test_an_operator_can_draw_the_line_lower",
         f"{_DIFF}::test_a_long_page_and_a_large_fixture_are_fine"),
    _row("C10", "swallow errors, log less", "a person is asked", "tests/core/rule/change/test_swallow.py::test_swallowing_asks_a_person tests/core/rule/change/test_swallow.py::test_logging_less_asks_a_person",
         "tests/core/rule/change/test_swallow.py::test_honest_care_for_errors_asks_nobody"),
    _row("C12", "touch sign-in through an innocent file", "guards that go and access that opens ask a person", "tests/core/rule/change/test_access.py::test_a_change_of_access_asks_a_person "
         "tests/core/rule/change/test_category.py::test_lines_show_categories_in_innocuous_files", "tests/core/rule/change/test_access.py::test_honest_work_beside_access_asks_nobody"),
    _row("C14", "dangerous calls", "high risk, so a person is asked; bandit where it is named", "tests/core/rule/test_risk.py::test_a_dangerous_line_is_high_wherever_it_stands "
         "tests/adapters/scanner/test_bench.py::test_a_comment_does_not_silence_bandit_and_a_file_that_is_no_python_is_not_passed",
         "tests/core/rule/test_risk.py::test_a_plain_diff_is_low"),
    _row("C15", "more than was planned", "every path has to be in the plan", f"{_DIFF}::test_whatever_was_not_planned_is_out_of_scope "
         f"{_DIFF}::test_removing_what_was_to_be_altered_is_not_what_was_planned", f"{_DIFF}::test_what_was_planned_may_be_altered_and_removed"),
)  # fmt: skip

_ADDED = "tests/core/package/test_added.py"
_PACK = "tests/core/package/test_judge.py"
_LOCKED = "tests/core/package/test_locked.py"
PACKAGES = (
    _row("D01", "a package with a name like another", "must be in the plan, exist, be old enough, have a known licence, and not look like another",
         f"tests/core/package/test_typo.py::test_what_a_name_can_be_taken_for {_PACK}::test_what_speaks_against_a_package tests/workflows/test_roles.py::test_a_package_that_may_not_come_in_ends_the_planning", f"{_HONEST}"),
    _row("D02", "another address or hash in the lock file", "lock files are read and held to what the base had", f"{_LOCKED}::test_uv {_LOCKED}::test_npm", f"{_LOCKED}::test_what_the_base_trusts_already_is_trusted"),
    _row("D03", "programs that run when a package is installed", "new install scripts and packages without a built file ask a person", f"{_LOCKED}::test_npm {_LOCKED}::test_uv",
         f"{_LOCKED}::test_a_package_that_ran_scripts_before_may_go_on"),
    _row("D04", "a dependency by address", "refused in manifests", f"{_ADDED}::test_what_a_manifest_adds", f"{_HONEST}"),
    _row("D07", "wider ranges, pins removed", "compared with the base", f"{_LOCKED}::test_uv tests/core/package/test_span.py::test_what_was_loosened", f"{_LOCKED}::test_a_neighbour_that_did_not_change_is_left_alone"),
    Row("D08", "poisoned caches", "", beyond="there is no cache between tasks: each check has a clean checkout and a home of its own"),
    _row("D10", "unpinned actions, curl into a shell", "forbidden or owned paths; zizmor where it is named", "tests/core/scan/test_judge.py::test_each_scanner_has_its_code "
         f"{_GUARD}::test_attacks_by_path_or_mode_fail_even_when_planned", "tests/core/scan/test_judge.py::test_a_scanner_that_no_file_concerns_has_nothing_to_say"),
    _row("D11", "a scanner that saw nothing", "what it read is counted; nothing, or a part, is not passed", "tests/core/scan/test_judge.py::test_what_a_report_means "
         "tests/core/scan/test_judge.py::test_a_part_that_was_not_examined_is_not_passed", "tests/core/scan/test_weigh.py::test_a_plain_patch_is_clean_and_calm"),
)  # fmt: skip

_YES = f"{T}/test_consent.py"
_APPROVE = "tests/core/rule/test_approval.py"
_WHO, _LINK = "tests/consent/test_who.py", "tests/consent/test_links.py"
CONSENT = (
    _row("E01", "push after the approval", "an approval names commits and trees, and a merge takes them", f"{_YES}::test_a_merge_of_a_head_that_moved_is_refused_by_compare_and_swap "
         f"{_APPROVE}::test_any_change_of_any_field_voids_it", f"{_APPROVE}::test_a_yes_to_this_very_thing_passes"),
    _row("E02", "the base moves between check and merge", "compare and swap; judged again", f"{_YES}::test_a_merge_onto_a_base_that_moved_is_refused_by_compare_and_swap {_YES}::test_a_base_with_uncommitted_work_opens_no_task",
         f"{_YES}::test_a_task_whose_base_moves_is_judged_again_on_the_new_base"),
    _row("E03", "an answer used again", "one answer, for one digest; a signed link works once", f"{_YES}::test_an_answer_is_given_once_and_to_this_question_only {_APPROVE}::test_any_change_of_any_field_voids_it "
         f"{_LINK}::test_e03_a_link_works_once {_LINK}::test_e03_a_link_for_another_task_or_question_is_refused {_LINK}::test_e03_an_altered_link_is_forged",
         f"{_YES}::test_the_owner_can_say_yes {_LINK}::test_f14_looking_changes_nothing_and_only_the_form_answers"),
    _row("E05", "a name like the owner's", "accounts are listed; a display name is nobody", f"{_YES}::test_nobody_else_can_say_yes {_YES}::test_a_stranger_opens_no_task {_WHO}::test_e05_a_display_name_is_nobody",
         f"{_YES}::test_the_owner_can_say_yes {_WHO}::test_e05_the_listed_account_is_the_person"),
    _row("E06", "approve one's own", "not above medium risk, unless the operator works alone; a program never", f"{_APPROVE}::test_own_approval_of_high_risk_needs_single_user_mode "
         f"{_WHO}::test_e06_the_requester_cannot_approve_high_risk_and_another_person_still_can {_WHO}::test_e06_a_program_never_approves",
         f"{_WHO}::test_e06_in_single_user_mode_the_own_yes_counts_and_says_so"),
    _row("E07", "a text that claims an approval", "an approval is a row that a command makes", f"{_YES}::test_a_text_that_claims_a_yes_is_no_yes {_YES}::test_a_plan_that_claims_a_yes_is_no_yes",
         f"{_YES}::test_the_owner_can_say_yes"),
    _row("E08", "bodies that nobody can read", "bounds, and errors of our own (no hooks come in yet)", f"{T}/test_control.py::test_a_body_that_nobody_can_read_is_a_problem_and_no_task "
         f"{T}/test_control.py::test_a_body_without_a_length_is_refused", f"{T}/test_control.py::test_an_ordinary_body_opens_a_task"),
    _row("E10", "a token for something else", "one token for the figures opens nothing else", f"{_YES}::test_what_is_not_there_and_what_is_not_yours_look_alike "
         "tests/web/test_metrics.py::test_the_token_of_scrapers_opens_nothing_else", "tests/web/test_metrics.py::test_both_tokens_open_the_figures"),
    _row("E12", "floods and near copies", "one intent once; a rate for all together", f"{_YES}::test_the_same_wish_in_other_clothes_is_the_same_wish "
         f"{_YES}::test_a_flood_of_wishes_is_dammed {_YES}::test_what_is_no_wish_opens_no_task {_YES}::test_measured_wishes_pass_the_same_gate", f"{_YES}::test_after_the_flood_honest_wishes_are_heard_again"),
    _row("E13", "owner lists: later files, later lines", "read from the base, by the final patch; each touched group has to say yes",
         "tests/core/owner/test_codeowners.py::test_the_last_line_that_matches_wins tests/core/owner/test_codeowners.py::test_a_spelling_that_a_reader_takes_for_an_owned_path_has_its_owners "
         "tests/consent/test_owners.py::test_e13_a_file_that_is_added_after_the_yes_asks_anew tests/consent/test_owners.py::test_e13_each_touched_group_has_to_say_yes",
         "tests/consent/test_owners.py::test_e13_without_touched_owned_paths_nobody_is_asked tests/core/owner/test_codeowners.py::test_paths_without_owners_are_left_out"),
    _row("E14", "a forge that lies about checks", "name, commit, result and count have to be ours", f"{_YES}::test_a_forge_that_says_something_else_about_the_checks_is_not_believed",
         f"{_YES}::test_a_foreign_success_beside_ours_changes_nothing"),
)  # fmt: skip

_TEXT = f"{T}/test_text.py"
TEXT = (
    _row("F01", "orders in a request", "fenced as data; what it causes is judged", f"{_TEXT}::test_orders_in_a_wish_are_data_for_every_role tests/adapters/agent/test_safety.py::test_the_agent_sees_only_what_it_was_given",
         f"{_STORY}"),
    _row("F02", "hidden text", "named for agents, gone or shown for people", f"{_TEXT}::test_hidden_letters_are_named_to_the_agent_and_gone_for_people {_TEXT}::test_markup_that_hides_is_shown_as_its_letters",
         f"{_TEXT}::test_ordinary_words_are_shown_on_the_page"),
    _row("F03", "text that speaks our protocol", "fences that no text can close; nothing is read from it", f"{_TEXT}::test_orders_in_a_wish_are_data_for_every_role "
         f"{_TEXT}::test_a_log_that_speaks_our_protocol_decides_nothing {_TEXT}::test_a_finding_that_an_agent_wrote_is_fenced_when_it_comes_back", f"{_STORY}"),
    _row("F06", "credentials in words that leave", "one filter for everything that is written for others", f"{_TEXT}::test_a_credential_in_the_words_of_a_plan_never_leaves "
         f"{_TEXT}::test_a_credential_in_a_wish_is_told_to_nobody {_TEXT}::test_a_credential_in_the_output_of_a_check_is_told_to_nobody {_TEXT}::test_a_branch_name_carries_nothing",
         f"{_TEXT}::test_words_without_a_credential_arrive_as_they_are"),
    _row("F07", "ask for more rights until somebody agrees", "refused by rule, and counted", f"{_TEXT}::test_asking_for_more_gives_nothing_and_is_counted "
         "tests/adapters/agent/test_safety.py::test_what_is_not_permitted_is_refused_and_never_lands", "tests/adapters/agent/test_safety.py::test_a_write_inside_the_workspace_is_allowed_once"),
    _row("F09", "terminal sequences", "taken out before anything is printed", f"{_TEXT}::test_nothing_that_a_terminal_obeys_reaches_it", "tests/core/words/test_text.py::test_examples"),
    _row("F10", "markup on the page", "escaped, and no script may run", f"{_TEXT}::test_markup_is_its_letters_on_the_page", f"{_TEXT}::test_ordinary_words_are_shown_on_the_page"),
    _row("F13", "names that lead out", "looked up in the book, never opened", f"{_TEXT}::test_no_name_leads_out_of_what_is_kept", f"{_TEXT}::test_no_name_leads_out_of_what_is_kept"),
    _row("F14", "another page in the same browser", "token, names of loopback only, strict cookie, no frames", f"{_TEXT}::test_another_page_in_the_same_browser_can_do_nothing "
         f"{_TEXT}::test_a_foreign_name_is_refused_whatever_it_carries {_TEXT}::test_the_link_leads_nowhere_else {_TEXT}::test_the_page_cannot_be_framed "
         f"{_LINK}::test_f14_another_site_cannot_send_the_form {_LINK}::test_f14_the_page_can_neither_be_framed_nor_run_scripts",
         f"{_TEXT}::test_the_owner_can_do_all_of_it"),
)  # fmt: skip

_LATER = "stages 5 to 7"
_BAD = "tests/releases/test_releases.py"
_SHOWN = {
    "G01": f"{_BAD}::test_a_bad_release_after_others", "G02": f"{_BAD}::test_some_bad_releases_one_after_the_other", "G04": f"{_BAD}::test_a_bad_release_after_others",
    "G11": f"{_BAD}::test_a_bad_release_after_others", "G22": f"{_BAD}::test_a_bad_release_after_others",
}  # fmt: skip
"""Rows that a bad release under load is an example of."""
_KEPT = f"{_BAD}::test_good_releases_are_kept_and_nobody_notices"
RELEASE = tuple(
    _row(name, attack, where, _SHOWN.get(name, ""), _KEPT if name in _SHOWN else "")
    if name in NAMED or name in _SHOWN
    else Row(name, attack, "", beyond=f"{_LATER}: {where}")
    for name, attack, where in (
        ("G01", "a health page that is always good", "several signals"), ("G02", "treat the checker better than users", "what users are answered counts, not what probes are"),
        ("G03", "the old release still answers", "the release is named by the front"), ("G04", "fail later", "a day of watch"),
        ("G06", "no traffic", "too little is not good"), ("G09", "a flood of log lines", "bounded reading"), ("G10", "slow patterns", "no pattern comes from outside"),
        ("G11", "a hook that never ends", "bounds on every command"), ("G12", "a migration without a way back", "what cannot be taken back asks a person before the merge; the way back is rehearsed"),
        ("G15", "a bad place to go back to", "seen healthy before"), ("G16", "a way back that fails", "next target, then freeze"), ("G17", "a broken backup", "restored before it counts"),
        ("G18", "two deploys at once", "leases with epochs"), ("G20", "a full disk", "the old release serves on"), ("G22", "crash loops", "restarts are counted"),
        ("G23", "nobody can be told", "never blocks"),
    )
)  # fmt: skip

_CONTROL = f"{T}/test_control.py"
CONTROL = (
    _row("H01", "take all memory, processes, disk", "bounds by control groups or by watching", "tests/clients/cage/test_bounds.py::test_a_fork_bomb_stays_small "
         "tests/clients/cage/test_bounds.py::test_who_takes_too_much_memory_is_ended tests/clients/cage/test_bounds.py::test_who_fills_the_disk_is_ended",
         "tests/clients/cage/test_bounds.py::test_a_run_within_its_bounds_hits_nothing"),
    _row("H02", "spend without end", "caps on money, time, turns", f"{_CONTROL}::test_an_agent_that_never_finishes_is_ended {_LIFE}::test_money_is_a_limit", f"{_STORY}"),
    _row("H03", "a task that breaks whoever works on it", "tries are counted before they begin", f"{_CONTROL}::test_a_stage_that_faults_for_ever_is_given_up "
         "tests/engine/test_recovery.py::test_a_stage_that_is_given_up_is_told_to_its_story", "tests/engine/test_recovery.py::test_a_poison_stage_lets_the_others_start"),
    _row("H05", "files and answers that explode", "bounds on size, depth and time", f"{_CONTROL}::test_a_configuration_that_cannot_be_meant_is_refused_at_once "
         f"{_CONTROL}::test_an_answer_that_is_no_plan_is_refused_soon", f"{_CONTROL}::test_a_plain_configuration_is_read"),
    _row("H06", "reports that explode", "no entities, bounds", f"{_CONTROL}::test_a_report_that_explodes_is_no_report "
         f"{_CONTROL}::test_a_coverage_report_that_is_all_sources_is_refused_soon", f"{_CONTROL}::test_ordinary_reports_are_read"),
    Row("H07", "archives that explode", "", beyond="no archive from outside is opened"),
    _row("H08", "addresses of others in probes", "a probe is a path; no redirects; no other server", f"{_CONTROL}::test_a_probe_in_a_plan_cannot_name_another_address {_CONTROL}::test_a_plan_that_names_another_address_ends_the_task "
         f"{_CONTROL}::test_a_probe_never_leaves_the_address_it_was_given {_CONTROL}::test_a_probe_follows_nobody_elsewhere {_CONTROL}::test_a_probe_in_a_plan_has_an_ordinary_method {_CONTROL}::test_a_probe_that_alters_data_waits_for_a_person",
         f"{_CONTROL}::test_a_plain_path_is_asked"),
    _row("H10", "alter Keelway's own safety", "forbidden paths; the sandbox shows no home of ours", f"{_CONTROL}::test_the_policy_is_not_in_the_reach_of_a_patch "
         f"{_CONTROL}::test_switched_off_means_off {_FENCE}::test_what_is_not_shown_is_neither_read_nor_written", f"{_STORY}"),
    _row("H12", "edit the audit trail", "a chain, a witness outside, and a signed end", "tests/store/chain/test_audit.py::test_any_edit_is_found tests/store/chain/test_audit.py::test_any_deletion_is_found "
         "tests/consent/test_signed.py::test_h12_a_tail_that_is_cut_off_is_found_though_the_witness_was_forged_as_well tests/consent/test_signed.py::test_h12_a_head_whose_signature_is_bad_is_found "
         "tests/store/chain/test_audit.py::test_any_reordering_is_found tests/store/chain/test_audit.py::test_a_cut_tail_is_found_even_when_the_head_row_agrees",
         "tests/store/chain/test_audit.py::test_an_untouched_chain_fits"),
    _row("H13", "the emergency stop, at any time", "looked at before each effect; a way back goes on", f"{_CONTROL}::test_the_stop_holds_everything_at_any_time "
         f"{_CONTROL}::test_the_stop_refuses_new_wishes_and_says_so_once {_CONTROL}::test_a_way_back_that_has_begun_is_not_stopped_halfway "
         "tests/routines/test_stop_flag.py::test_a_freeze_holds_an_effect_although_the_book_is_damaged", f"{_TEXT}::test_the_owner_can_do_all_of_it"),
    _row("H14", "a book that is full, locked or gone", "nothing happens without its intent", "tests/store/test_away.py::test_a_full_disk_of_sqlite_changes_nothing "
         "tests/store/test_database.py::test_a_file_that_is_no_database_is_told_with_a_next_step", "tests/store/test_database.py::test_sqlite_is_opened_safely"),
    _row("H16", "a forge that is away or slow", "tried again within a budget, then ended", f"{_CONTROL}::test_a_forge_that_always_fails_ends_the_task_and_moves_nothing",
         f"{_CONTROL}::test_a_forge_that_failed_once_is_asked_again"),
)  # fmt: skip

GROUPS: dict[str, tuple[Row, ...]] = {
    "A. The judge": JUDGE,
    "B. Out of the workspace": WORKSPACE,
    "C. What a patch contains": DIFF,
    "D. Packages and builds": PACKAGES,
    "E. Who says yes": CONSENT,
    "F. Text from outside": TEXT,
    "G. Releases": RELEASE,
    "H. The control plane itself": CONTROL,
}
ROWS = tuple(row for rows in GROUPS.values() for row in rows)
