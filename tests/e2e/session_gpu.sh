#!/bin/sh
# The session of a host that launches a megakernel: launches, what it read back, its program.
. "${top_srcdir:?}/tests/e2e/lib.sh"
shim=$top_builddir/.libs/libvrrl-preload.so
kernel=$top_builddir/src/replay/standalone/megakernel.cl
text=$top_srcdir/tests/demo/GPL-3.txt

# record LOG [NAME=VALUE]...
record()
{
    log=$1
    shift
    expect 0 env LD_PRELOAD="$shim" VRRL_LOG="$log" "$@" "$top_builddir/textstat-by-hand" \
        --kernel "$kernel" "$text"
    slots=$(sed -n 's/^ *\([0-9]*\) slots of .* in [0-9]* batches, [0-9]* fences$/\1/p' out)
    batches=$(sed -n 's/^.* in \([0-9]*\) batches, [0-9]* fences$/\1/p' out)
    fences=$(sed -n 's/^.* in [0-9]* batches, \([0-9]*\) fences$/\1/p' out)
}

record run.vrrl
equal 'modes of the files' "$(stat -c %a run.vrrl.d run.vrrl.d/* | sort -u | tr '\n' ' ')" '600 700 '

expect 0 "$vrrl" dump --submits --json run.vrrl
equal 'launches' "$(jq 'select(.kind == "submit").launch' out | sort -n | tr '\n' ' ')" \
    "$(seq "$batches" | tr '\n' ' ')"
equal 'lanes' "$(jq -c 'select(.kind == "submit").global_size' out | sort -u)" '[1024]'
equal 'publishes before the last launch' "$(jq .position out | tail -n 1)" "$slots"
equal 'uploads before the launches' "$(jq -r 'select(.kind != "contents").kind' out | uniq -c | sort -u | tr -s ' \n' ' ')" \
    ' 1 submit 1 upload '
equal 'what went up' "$(jq -s 'map(select(.kind == "upload").published) | add' out)" "$slots"
expect 0 "$vrrl" dump --submits run.vrrl
says out ': upload of slots 0+1024, empty [0-9]*, published [0-9]*'
expect 0 "$vrrl" dump --observations --json run.vrrl
equal 'done counts end with all slots' "$(jq 'select(.what == "control").done_count' out | tail -n 1)" \
    "$slots"
equal 'epochs' "$(jq 'select(.what == "control").epoch' out | uniq | tr '\n' ' ')" \
    "$(seq "$fences" | tr '\n' ' ')"
equal 'slots that nobody saw' "$(jq .unseen out | sort -u)" 0
expect 0 "$vrrl" dump --slots --json run.vrrl
equal 'slots' "$(jq -c '[.origin, .words[0], .words[3]]' out | sort | uniq -c | sed 's/^ *//')" \
    "$slots [\"upload\",1,2]"
expect 0 "$vrrl" info --json run.vrrl
equal 'program' "$(json '.session.programs[] | [.api, .form, .code_bytes]')" \
    "[\"OpenCL\",\"source\",$(wc -c <"$kernel")]"
equal 'kernel' "$(json '.session.kernels[] | [.name, .arguments, .program]')" '["vyre_megakernel",6,1]'
expect 0 "$vrrl" info run.vrrl
says out '^kernel .* vyre_megakernel of program 1, 6 arguments, ring 0$'
expect 0 "$vrrl" verify run.vrrl

# A second run goes on with the same files.
record run.vrrl
expect 0 "$vrrl" verify run.vrrl
expect 0 "$vrrl" dump --submits --json run.vrrl
equal 'runs' "$(jq 'select(.kind == "submit").run' out | sort | uniq -c | tr -s ' \n' ' ')" " $batches 1 $batches 2 "

# What does not fit together is named.
cp -r run.vrrl.d whole
poke run.vrrl.d/submits 4112 '\377\377\377\377'
expect 1 "$vrrl" verify run.vrrl
says out 'submits: entry 1 of the session lies after the last record'
rm -r run.vrrl.d && cp -r whole run.vrrl.d
poke run.vrrl.d/observations 0 'X'
expect 1 "$vrrl" verify run.vrrl
says out 'observations: .*Fix: '
refused "$vrrl" dump --observations run.vrrl
rm -r run.vrrl.d && cp -r whole run.vrrl.d
# A recorder puts what is damaged aside, and begins anew.
poke run.vrrl.d/observations 0 'X'
record run.vrrl
silent err
ls run.vrrl.d/observations.* >/dev/null || fail 'the damaged file was not kept'
expect 0 "$vrrl" verify run.vrrl

record bare.vrrl VRRL_NO_SESSION=1
[ ! -e bare.vrrl.d ] || fail 'there is a session'
equal 'bare records' "$("$vrrl" dump --json bare.vrrl | wc -l)" "$slots"
refused "$vrrl" dump --submits bare.vrrl
refused "$vrrl" dump --slots bare.vrrl
refused "$vrrl" dump --submits --follow run.vrrl
refused "$vrrl" dump --submits --tenant 1 run.vrrl
# Nobody could tell whether it is being written: the next one gets a name of its own.
record bare.vrrl VRRL_NO_SESSION=1
equal 'two bare logs' "$(ls bare.vrrl bare.[0-9]*.vrrl | wc -l)" 2

# By name, and with another order of arguments than that of the kernel.
record named.vrrl VRRL_KERNEL=vyre_megakernel
equal 'by name' "$("$vrrl" dump --json named.vrrl | wc -l)" "$slots"
record other.vrrl VRRL_KERNEL=another
record turned.vrrl VRRL_CONTROL_ARG=1 VRRL_RING_ARG=0
[ ! -e other.vrrl ] && [ ! -e turned.vrrl ] || fail 'something else was taken for a megakernel'

finish
