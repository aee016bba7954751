#!/bin/sh
# dump -f: what is appended appears, until someone interrupts it.
. "${top_srcdir:-.}/tests/e2e/lib.sh"

lines()
{
    [ "$(wc -l <"$1")" -ge "$2" ]
}

# A script's background commands ignore SIGINT; env resets that.
"$append_log" log.vrrl 64 60 20 &
writer=$!
wait_for test -s log.vrrl
env --default-signal=INT "$vrrl" dump -f --json log.vrrl >followed 2>followed.err &
follower=$!
wait_for lines followed 60
wait "$writer" || fail 'append_log'
kill -INT "$follower"
wait "$follower"
equal 'status after SIGINT' $? 0
equal 'slots' "$(jq -c .slot_idx followed | tr '\n' ' ')" "$(seq -s ' ' 0 59) "
equal 'indices' "$(jq -c .index followed | tr '\n' ' ')" "$(seq -s ' ' 0 59) "
[ ! -s followed.err ] || fail "$(cat followed.err)"

# Filters hold for what comes later too.
rm -f log.vrrl followed
"$append_log" log.vrrl 64 30 20 &
writer=$!
wait_for test -s log.vrrl
env --default-signal=INT "$vrrl" dump -f --json --tenant 1 log.vrrl >followed 2>followed.err &
follower=$!
wait_for lines followed 10
wait "$writer" || fail 'append_log'
kill -INT "$follower"
wait "$follower"
equal 'tenants' "$(jq -c .tenant_id followed | sort -u)" 1

# A stopped follower is overrun, says so, and goes on with the oldest there is.
rm -f log.vrrl followed
"$append_log" log.vrrl 8 120 1 2 &
writer=$!
wait_for sh -c "\"$vrrl\" info --json log.vrrl | jq -e '.live >= 2' >/dev/null"
env --default-signal=INT "$vrrl" dump -f --json log.vrrl >followed 2>followed.err &
follower=$!
wait_for lines followed 2
kill -STOP "$follower"
kill -CONT "$writer"
wait "$writer" || fail 'append_log'
kill -CONT "$follower"
wait_for grep -q '"slot_idx":119,' followed
kill -INT "$follower"
wait "$follower"
equal 'status of the overrun' $? 0
grep -q 'overwritten before they could be read' followed.err || fail 'the overrun was not said'
jq .slot_idx followed | sort -n -c -u || fail 'records are out of order'
tail -n 8 followed | jq -c .slot_idx | tr '\n' ' ' >last
equal 'the last lap' "$(cat last)" "$(seq -s ' ' 112 119) "

# Nobody reads any more: end, although nothing is appended.
("$vrrl" dump -f "$golden/two_of_cap4.vrrl" 2>err; echo ended >ended) | head -n 1 >/dev/null
wait_for test -s ended
[ ! -s err ] || fail "$(cat err)"

refused "$vrrl" dump -f missing.vrrl
finish
