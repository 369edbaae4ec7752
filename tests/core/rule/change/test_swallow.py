"""A change after which errors are no longer seen asks a person; its honest twin asks nobody."""

from __future__ import annotations

import pytest
from tests.core.rule.change.patches import asked, patch

SWALLOWED = {
    "a bare except": "+    except:\n+        pass",
    "a broad except with a default": "+    except Exception as error:\n+        return None",
    "one on a line": "+    except Exception: pass",
    "a tuple that holds the broad one": "+    except (ValueError, Exception):\n+        # never mind\n+        continue",
    "an empty list instead": "+    except BaseException:\n+        return []",
    "suppress": "+    with contextlib.suppress(Exception):",
    "widened, with the body that was there": "-    except ValueError:\n+    except Exception:",
    "re-raise gone": "     except ValueError:\n-        raise\n+        return 0",
    "javascript, empty": "+  } catch (e) {\n+  }",
    "javascript, default": "+  } catch (error) {\n+    return null;\n+  }",
    "javascript, one line": "+  try { go() } catch {}",
    "a promise": "+  await go().catch(() => {})",
    "go": "+\tif err != nil {\n+\t\treturn nil\n+\t}",
    "go, one line": "+\tif err != nil { return nil, nil }",
    "go, dropped": "-\tbody, err := io.ReadAll(r)\n+\tbody, _ := io.ReadAll(r)",
    "go, blank": "+\t_ = err",
    "php": "+    } catch (\\Throwable $e) {\n+        return false;\n+    }",
    "php, silenced": "+    $text = @file_get_contents($path);",
    "ruby": "+  rescue => e\n+    nil\n+  end",
    "ruby, inline": "+  value = go rescue nil",
}


@pytest.mark.parametrize("text", SWALLOWED.values(), ids=SWALLOWED)
def test_swallowing_asks_a_person(text: str) -> None:
    assert asked(patch(text)) == {"error_swallowed"}


@pytest.mark.parametrize("line", ["+run || true", "+set +e"])
def test_a_script_that_goes_on_after_an_error_asks(line: str) -> None:
    assert asked(patch(line, "tool/run.sh")) == {"error_swallowed"}
    assert asked(patch(line, "bin/run")) == {"error_swallowed"}
    assert asked(patch(line, "app/run.rb")) == set()


HONEST = {
    "a narrow except": "+    except FileNotFoundError:\n+        return None",
    "a broad one that tells": "+    except Exception as error:\n+        log.exception('it failed')\n+        return None",
    "a broad one that raises": "+    except Exception as error:\n+        raise Refused() from error",
    "a broad one that answers": "+    except Exception as error:\n+        return Answer(500, str(error))",
    "narrow suppress": "+    with contextlib.suppress(FileNotFoundError):",
    "only indented": "-    except Exception:\n-        pass\n+        except Exception:\n+            pass",
    "moved": "-  } catch (e) {\n-  }\n x\n+  } catch (e) {\n+  }",
    "javascript that tells": "+  } catch (e) {\n+    console.error(e)\n+    return null\n+  }",
    "a renamed variable": "-  } catch (e) {\n+  } catch (error) {",
    "a promise that tells": "+  await go().catch((e) => report.add(e))",
    "go that returns the error": "+\tif err != nil {\n+\t\treturn nil, err\n+\t}",
    "go, index that is not needed": "+\tname, _ := parts()",
    "go, another call": "-\ta, err := one()\n+\tb, _ := two()",
    "go, unchanged body": "-\tif err == nil {\n+\tif err != nil {",
    "java, narrow": "+        } catch (IOException e) {\n+            count = 0;\n+        }",
    "a raise in other words": "     except ValueError:\n-        raise\n+        raise Refused('no')",
    "a comment": "+    # except Exception: pass",
    "a body that is far away": "+  } catch (e) {\n x\n x\n x\n x\n+    return null",
}


@pytest.mark.parametrize("text", HONEST.values(), ids=HONEST)
def test_honest_care_for_errors_asks_nobody(text: str) -> None:
    assert asked(patch(text)) == set()


def test_tests_and_prose_may_hold_anything() -> None:
    for path in ("tests/test_shop.py", "docs/errors.md"):
        assert asked(patch("+    except:\n+        pass", path)) == set()


QUIETER = {
    "level": "-    log.error('cannot pay', order)\n+    log.debug('cannot pay', order)",
    "javascript": "-  console.error('no', e)\n+  console.log('no', e)",
    "threshold": "-    log.setLevel(logging.WARNING)\n+    log.setLevel(logging.CRITICAL)",
    "new threshold": "+    log.setLevel('CRITICAL')",
    "disabled": "+logging.disable(logging.CRITICAL)",
}


@pytest.mark.parametrize("text", QUIETER.values(), ids=QUIETER)
def test_logging_less_asks_a_person(text: str) -> None:
    assert "log_level_lowered" in asked(patch(text))


@pytest.mark.parametrize(
    "text",
    [
        "-    log.info('cannot pay', order)\n+    log.error('cannot pay', order)",
        "-    log.error('cannot pay')\n+    log.error('cannot pay for %s', order)",
        "+    log.setLevel(logging.INFO)",
        "-    log.setLevel(logging.DEBUG)\n+    log.setLevel(logging.DEBUG)  # for now",
        "+    log.debug('began')",
    ],
)
def test_logging_more_asks_nobody(text: str) -> None:
    assert asked(patch(text)) == set()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("-    log.exception('no')\n+    pass", "error_log_removed"),
        ("-    logger.error('no')", "error_log_removed"),
        ("-    errors_total.labels('pay').inc()", "error_counter_removed"),
        ("-    statsd.increment('pay.errors')", "error_counter_removed"),
        ("-    sentry_sdk.capture_exception(error)", "error_counter_removed"),
        ("-    self.failures += 1", "error_counter_removed"),
        ("+sentry_sdk.init(dsn, traces_sample_rate=0.1)", "error_sampled"),
        ("+  sampleRate: 0.01,", "error_sampled"),
        ("+  beforeSend: dropAll,", "error_sampled"),
        ("+ignore_errors = [PaymentFailed]", "error_sampled"),
        ("+    if random.random() < 0.1:\n+        log.warning('no')", "error_sampled"),
        ("+    if random.random() < 0.1:\n+        errors_total.inc()", "error_sampled"),
    ],
)
def test_what_counts_errors_is_kept_or_a_person_is_asked(text: str, code: str) -> None:
    assert asked(patch(text)) == {code}


@pytest.mark.parametrize(
    "text",
    [
        "-    log.error('no')\n x\n+        log.error('no')",
        "-    log.error('no')\n+    log.error('cannot pay')",
        "-    errors_total.inc()\n+    errors_total.labels('pay').inc()",
        "+    shutil.rmtree(folder, ignore_errors=True)",
        "+    if random.random() < 0.1:\n+        return Present()",
        "+    if random.random() < 0.1:",
        "+sentry_sdk.init(dsn, traces_sample_rate=1.0)",
    ],
)
def test_as_many_as_before_ask_nobody(text: str) -> None:
    assert asked(patch(text)) == set()


def test_a_file_that_goes_takes_its_logging_along() -> None:
    assert asked(patch("-    log.error('no')\n-    raise", "app/old.py", "D")) == set()


def test_many_places_are_cut() -> None:
    text = "\n".join("+    except Exception: pass" for _ in range(7))
    assert asked(patch(text)) == {"error_swallowed"}
