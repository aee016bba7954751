#!/bin/sh
# The command line itself: verbs, help, versions, wrong options.
. "${top_srcdir:-.}/tests/e2e/lib.sh"

verbs='record info dump verify replay diff devices'

expect 0 "$vrrl" --help
silent err
for verb in $verbs; do
    says out "^  $verb "
done
expect 0 "$vrrl" --version
says out '^vrrl [0-9]'

refused "$vrrl"
says err 'no verb'
refused "$vrrl" frobnicate
says err "'frobnicate' is not a verb"
refused "$vrrl" --frobnicate
says err 'frobnicate'

for verb in $verbs; do
    expect 0 "$vrrl" "$verb" --help
    says out "^Usage: vrrl $verb"
    says out 'Exit status'
    silent err
    refused "$vrrl" "$verb" --frobnicate
    says err 'frobnicate'
    refused "$vrrl" "$verb" -Z
    says err '-Z'
done
for verb in info dump verify; do
    refused "$vrrl" "$verb"
    says err 'no LOG'
    refused "$vrrl" "$verb" missing.vrrl
    says err 'missing.vrrl'
    refused "$vrrl" "$verb" "$golden/two_of_cap4.vrrl" another
    says err 'another'
    refused "$vrrl" "$verb" .
    refused "$vrrl" "$verb" /dev/null
done

# Nobody may lose output without a word.
if [ -w /dev/full ]; then
    for verb in info dump verify; do
        "$vrrl" "$verb" "$golden/two_of_cap4.vrrl" >/dev/full 2>err
        equal "$verb on a full disk" $? 2
        grep -q 'Fix: ' err || fail "$verb says nothing about a full disk"
    done
fi

# Pages and help speak of the same options.
for verb in record info dump verify; do
    page=$top_srcdir/man/vrrl-$verb.1
    "$vrrl" "$verb" --help | grep -o -e '--[a-z][a-z]*' | sort -u | while read -r option; do
        grep -q -e "Fl Fl ${option#--}" "$page" || echo "$option"
    done >missing
    [ ! -s missing ] || fail "vrrl-$verb.1 lacks $(cat missing)"
done

finish
