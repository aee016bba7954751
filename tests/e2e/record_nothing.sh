#!/bin/sh
# record says why nothing was recorded.
. "${top_srcdir:-.}/tests/e2e/lib.sh"

nothing()
{
    reason=$1
    shift
    expect 0 "$vrrl" record -- "$@"
    says err "^vrrl: nothing was recorded from $1: .*$reason"
    equal 'lines' "$(wc -l <err)" 1
    [ ! -e vrrl.vrrl ] || fail "there is a log: $*"
}

nothing 'called no publish function that is known' true
nothing 'called no publish function that is known' "$publish_host" epoch 1

cat >static.c <<'END'
int main(void)
{
    return 0;
}
END
if ${CC:-cc} -static -o static static.c 2>/dev/null; then
    nothing 'static binary' ./static
    printf '#!%s/static\n' "$PWD" >script
    chmod +x script
    nothing 'static binary' ./script
    printf '#! %s/script an argument\n' "$PWD" >script_of_script
    chmod +x script_of_script
    nothing 'static binary' ./script_of_script
    PATH=$PWD:$PATH
    nothing 'static binary' static
fi

# Setuid to somebody else.
cp /bin/true other
if [ "$(id -u)" -eq 0 ] && chown 65534 other 2>/dev/null; then
    chmod 4755 other
    nothing 'setuid' ./other
    chown 0:65534 other
    chmod 2755 other
    nothing 'setgid' ./other
fi

VRRL_DISABLE=1
export VRRL_DISABLE
nothing 'VRRL_DISABLE' "$publish_host" publish 3
unset VRRL_DISABLE

# To append nothing is nothing, too.
expect 0 "$vrrl" record -- "$publish_host" publish 3
expect 0 "$vrrl" record --append -- true
says err 'nothing was recorded'

finish
