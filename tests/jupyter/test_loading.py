"""Jupyter's packages are loaded without what takes long, and nothing else is changed."""

import subprocess
import sys


def test_nbformat_is_loaded_without_a_grammar_that_takes_a_second_and_whoever_needs_that_finds_it_later():
    script = (
        "import sys\nfrom bnrepro.jupyter.loading import load_nbformat\nload_nbformat()\n"
        "assert 'nbformat' in sys.modules and 'lark' not in sys.modules and 'rfc3987_syntax' not in sys.modules\n"
        "assert not {'bnrepro.records', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
