#!/bin/sh
# Two logs compared with each other: what is missing, extra, another, elsewhere, at another epoch.
. "${top_srcdir:-.}/tests/e2e/lib.sh"

makelog=$top_builddir/tests/e2e/makelog

refused "$vrrl" diff
says err 'fewer were given'
refused "$vrrl" diff a b c
says err 'more were given'
refused "$vrrl" diff missing.vrrl "$golden/two_of_cap4.vrrl"
says err 'missing.vrrl'
refused "$vrrl" diff "$golden/two_of_cap4.vrrl" "$golden/bad_magic.vrrl"
refused "$vrrl" diff "$golden/two_of_cap4.vrrl" "$golden/empty_cap4.vrrl"
refused "$vrrl" diff --run 0 "$golden/two_of_cap4.vrrl" "$golden/two_of_cap4.vrrl"
refused "$vrrl" diff --run 1, "$golden/two_of_cap4.vrrl" "$golden/two_of_cap4.vrrl"

# Two batches of twenty records, each another than all the rest.
records()
{
    for epoch in 4 5; do
        for slot in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18; do
            echo "$slot $((slot % 3)) STORE_U32 $epoch $((epoch * 100 + slot)) 200 0 0 0 $slot"
        done
        echo "19 0 BATCH_FENCE $epoch 19 $epoch"
    done
}
records >records.txt
"$makelog" a.vrrl --session <records.txt || fail 'no log was made'

# differs FILTER EXPECTED [B]: what diff says of a.vrrl and of changed.txt
differs()
{
    rm -rf b.vrrl b.vrrl.d
    "$makelog" b.vrrl --session <changed.txt || fail 'no log was made'
    expect 1 "$vrrl" diff a.vrrl b.vrrl
    says out '^verdict: they differ$'
    expect 1 "$vrrl" diff --json a.vrrl b.vrrl
    equal 'the verdict' "$(json .verdict)" '"differ"'
    equal "$1" "$(json ".publishes | $1")" "$2"
}
totals='[.missing, .extra, .other, .slot, .epoch]'
places='[.differences[] | [.change, .count, .a.record, .b.record]]'

cp records.txt changed.txt
"$makelog" b.vrrl --session <changed.txt
expect 0 "$vrrl" diff a.vrrl b.vrrl
says out '^publishes: the same$'
says out '^verdict: the same$'
expect 0 "$vrrl" diff --json a.vrrl b.vrrl
equal 'no difference' "$(json '[.verdict, .publishes.differences]')" '["same",[]]'

sed 7d records.txt >changed.txt
differs "$places" '[["missing",1,6,null]]'
expect 1 "$vrrl" diff a.vrrl b.vrrl
says out "^  a's record 6: STORE_U32(406, 200, 0, 0, 0, 6) of tenant 0 in slot 6, epoch 4; b has it not$"
sed '7p' records.txt >changed.txt
differs "$places" '[["extra",1,null,7]]'
# The word that only the session knows.
sed '7s/6$/7/' records.txt >changed.txt
differs "$places" '[["other",1,6,6]]'
# One is missing, and the one after the next is another.
sed '7d; 9s/ 408 / 409 /' records.txt >changed.txt
differs "$places" '[["missing",1,6,null],["other",1,8,7]]'
# A missing record moves those behind it by a slot, and no more than that is said.
sed '21,$s/ 5 / 6 /; 7d' records.txt |
    awk 'NR > 6 && NR < 20 { $1 = $1 - 1 } { print }' >changed.txt
differs "$totals" '[1,0,0,13,20]'
differs "$places" '[["missing",1,6,null],["slot",13,7,6],["epoch",20,20,19]]'
expect 1 "$vrrl" diff a.vrrl b.vrrl
says out "^  a's records from 7 on (13): .* slot 6 in b's record 6$"
says out "^  a's records from 20 on (20): .* epoch 6 in b's record 19$"

# Threads are known by what they publish, and have no order among each other.
awk '{ print "thread", NR % 2 + 1; print }' records.txt | "$makelog" one.vrrl --session
awk 'NR % 2 == 1 { print "thread 1"; print }' records.txt >split.txt
awk 'NR % 2 == 0 { print "thread 2"; print }' records.txt >>split.txt
"$makelog" two.vrrl --session <split.txt
expect 0 "$vrrl" diff one.vrrl two.vrrl
says out 'the order between threads'
sed 's/^thread 1/thread 3/' split.txt >other.txt
"$makelog" three.vrrl --session <other.txt
expect 0 "$vrrl" diff one.vrrl three.vrrl
sed 's/^thread 1/ring 0/; s/^thread 2/ring 1/' split.txt | "$makelog" rings.vrrl --session
expect 1 "$vrrl" diff --json a.vrrl rings.vrrl
equal 'two rings' "$(json ".publishes | $totals")" '[20,20,0,0,0]'

# Without a session there are four args, and one stream.
"$makelog" bare.vrrl <records.txt
expect 0 "$vrrl" diff a.vrrl bare.vrrl
says out 'args past the fourth'
sed '7s/6$/7/' records.txt | "$makelog" bare2.vrrl
expect 0 "$vrrl" diff bare.vrrl bare2.vrrl
sed '7d' records.txt | "$makelog" bare3.vrrl
expect 1 "$vrrl" diff --json a.vrrl bare3.vrrl
equal 'against a bare log' "$(json ".publishes | $places")" '[["missing",1,6,null]]'

# Runs of one log.
{ cat records.txt; echo run; sed 7d records.txt; } | "$makelog" runs.vrrl --session
expect 0 "$vrrl" diff --run 1 a.vrrl runs.vrrl
expect 1 "$vrrl" diff a.vrrl runs.vrrl
expect 1 "$vrrl" diff --run 1,2 --json runs.vrrl runs.vrrl
equal 'two runs of a log' "$(json '[.a.run, .b.run, .publishes.missing]')" '[1,2,1]'
refused "$vrrl" diff --run 3 a.vrrl runs.vrrl

finish
