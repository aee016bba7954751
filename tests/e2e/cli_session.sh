#!/bin/sh
# info, dump and verify with a session that is damaged or of another log.
. "${top_srcdir:-.}/tests/e2e/lib.sh"

expect 0 "$vrrl" record -o run.vrrl --capacity 16 -- "$publish_host" publish 5 busy
expect 0 "$vrrl" verify --json run.vrrl
equal 'sound' "$(json '[.sound, .live, .findings]')" '[true,6,[]]'
expect 0 "$vrrl" info --json run.vrrl
equal 'session' \
    "$(json '.session | [.total, .overwritten, .failed, .skipped, (.runs | length), .rings[0].slots, .owner.alive]')" \
    '[6,0,1,0,1,64,false]'

# fresh: the log and its session as recorded
fresh()
{
    rm -rf copy.vrrl copy.vrrl.d
    cp run.vrrl copy.vrrl
    cp -R run.vrrl.d copy.vrrl.d
}

# The log says something else than the session: a flipped opcode, then a slot index.
fresh
poke copy.vrrl $((32 + 64 * 2 + 20)) '\007'
expect 1 "$vrrl" verify copy.vrrl
says out 'session disagrees with 1 of the records, the first of them 2\. Fix: '
says out 'damaged'
poke copy.vrrl $((32 + 64 * 1 + 12)) '\011'
expect 1 "$vrrl" verify --json copy.vrrl
equal 'kinds' "$(json '.findings[].kind')" '"session_disagrees"'
says out 'disagrees with 2 of the records, the first of them 1'

# damaged KIND: the session is refused, and the log can be used without it
damaged()
{
    expect 1 "$vrrl" verify copy.vrrl
    says out 'session: .*Fix: '
    expect 0 "$vrrl" info copy.vrrl
    says err 'session is not used: .*Fix: '
    says out '^session  *none'
    expect 0 "$vrrl" info --json copy.vrrl
    equal "info with $1" "$(json 'has("session")')" false
    expect 0 "$vrrl" dump copy.vrrl
    silent err
}
fresh
poke copy.vrrl.d/slots 0 'X'
damaged 'another magic'
fresh
poke copy.vrrl.d/slots 8 '\002'
damaged 'another version'
fresh
poke copy.vrrl.d/slots 16 '\017'
damaged 'another capacity'
fresh
dd if=run.vrrl.d/slots of=copy.vrrl.d/slots bs=1000 count=66 2>/dev/null
damaged 'its end cut off'
fresh
: >copy.vrrl.d/slots
damaged 'nothing in it'

# What the file of runs lacks is not known, and that is all.
for runs in '' 'no JSON' '[]' '{"run":"x"}' '{"run":1,"program":7}' '{"run":99}' '{"run":1'; do
    fresh
    printf '%s\n' "$runs" >copy.vrrl.d/runs.jsonl
    expect 0 "$vrrl" info copy.vrrl
    says out '^run 1 '
    expect 0 "$vrrl" info --json copy.vrrl
    equal 'a run' "$(json '.session.runs[0].run')" 1
done
fresh
rm copy.vrrl.d/runs.jsonl
expect 0 "$vrrl" info copy.vrrl
says out '^run 1 .*unknown program'
expect 0 "$vrrl" verify copy.vrrl

# Without a session all of them work.
fresh
rm -r copy.vrrl.d
expect 0 "$vrrl" verify copy.vrrl
says out 'no session'
expect 0 "$vrrl" info copy.vrrl
says out '^session  *none'
finish
