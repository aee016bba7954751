#!/bin/sh
# The bash completion knows the verbs, their options, opcodes and logs.
. "${top_srcdir:-.}/tests/e2e/lib.sh"

if ! command -v bash >/dev/null; then
    echo 'there is no bash'
    exit 77
fi
cat "$golden/two_of_cap4.vrrl" >run.vrrl
: >other.txt

# offers WORDS...: what is offered for the last of them
offers()
{
    # shellcheck disable=SC2016 # for bash
    bash --norc -c '. "$1"; shift; COMP_WORDS=(vrrl "$@"); COMP_CWORD=$#; _vrrl
        printf "%s\n" "${COMPREPLY[@]}"' bash "$top_srcdir/src/cli/vrrl.bash-completion" "$@" \
        2>err | sort -u | tr '\n' ' '
}

equal 'verbs' "$(offers '')" '--help --version attach detach devices diff dump info ps record replay verify '
equal 'a verb' "$(offers re)" 'record replay '
equal 'opcodes' "$(offers dump --opcode B)" 'BATCH_FENCE '
equal 'logs' "$(offers info r)" 'run.vrrl '
equal 'no other files' "$(offers verify o)" ' '
equal 'a log to write' "$(offers record -o r)" 'run.vrrl '
equal 'a command' "$(offers record -o run.vrrl -- printen)" 'printenv '
equal 'what to compare with' "$(offers replay --against rec)" 'recorded '
equal 'which mode' "$(offers replay --mode r)" 'resident '
equal 'which pace' "$(offers replay --pace '')" 'fast recorded '
equal 'which kernel' "$(offers replay --kernel b)" 'builtin '
equal 'options after a log' "$(offers dump run.vrrl --f)" '--follow '

# Each option that help tells is offered, and no other.
for verb in record attach detach ps info dump verify replay diff devices; do
    "$vrrl" "$verb" --help | grep -o -e '  --[a-z][a-z-]*' -e ', --[a-z][a-z-]*' | sed 's/.*--/--/' |
        sort -u | tr '\n' ' ' >told
    equal "options of $verb" "$(offers "$verb" --)" "$(cat told)"
done
finish
