"""PHPUnit and Pest: all tests share one process."""

from __future__ import annotations

from keelway.core.runner.runner import Reach, Runner, Seed, Texts, below, folder_of, program


def _seed(name: str, texts: Texts) -> tuple[Seed, ...]:
    home = folder_of(next(iter(texts)))
    own = f"{name.capitalize()}Test"
    text = (
        f"<?php\n\nfinal class {own} extends \\PHPUnit\\Framework\\TestCase\n{{\n"
        f"    public function test_{name}(): void\n    {{\n"
        f"        $this->fail('this test has to fail');\n    }}\n}}\n"
    )
    return (Seed(f"test_{name}", below(home, f"{own}.php"), text),)


PHPUNIT = Runner(
    "phpunit",
    program(r"phpunit(?:\.phar)?|pest|paratest|artisan\s+test"),
    ("*Test.php",),
    (".php",),
    Reach.RUN,
    _seed,
    install="composer require --dev phpunit/phpunit",
)
