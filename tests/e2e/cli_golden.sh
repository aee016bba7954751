#!/bin/sh
# Every golden file through every verb that reads logs.
. "${top_srcdir:-.}/tests/e2e/lib.sh"

for file in "$golden"/*.vrrl; do
    name=$(basename "$file")
    cat "$file" >"$name"
    case $name in
        bad_truncated_records.vrrl) status='0 0 1' ;;
        bad_*) status='2 2 2' ;;
        *) status='0 0 0' ;;
    esac
    # shellcheck disable=SC2086 # three words
    set -- $status
    for verb in info dump verify; do
        if [ "$1" -eq 2 ]; then
            refused "$vrrl" "$verb" "$name"
            says err "^vrrl: $name: "
            refused "$vrrl" "$verb" --json "$name"
        else
            expect "$1" "$vrrl" "$verb" "$name"
            expect "$1" "$vrrl" "$verb" --json "$name"
            jq . out >/dev/null || fail "$verb --json $name is no JSON"
        fi
        shift
    done
    cmp -s "$file" "$name" || fail "$name was changed"
    [ "$(echo "$name"*)" = "$name" ] || fail "something was created beside $name"
done

# The messages name the fault.
fault()
{
    refused "$vrrl" info "$1"
    says err "$2"
}
fault bad_capacity_over.vrrl 'capacity exceeds max 1048576'
fault bad_capacity_zero.vrrl 'capacity must be > 0'
fault bad_empty_file.vrrl 'header'
fault bad_magic.vrrl 'VRRL0001'
fault bad_record_magic.vrrl 'record'
fault bad_truncated_header.vrrl 'header'
fault bad_version.vrrl 'version'

# A log that was cut: what is whole is shown, what is lost is said.
expect 0 "$vrrl" info --json bad_truncated_records.vrrl
equal 'live and lost' "$(json '[.live, .lost]')" '[1,1]'
says err '1 of them'
expect 0 "$vrrl" dump --json bad_truncated_records.vrrl
equal 'records of a cut log' "$(json .slot_idx)" 1
says err '1 of them'
expect 1 "$vrrl" verify bad_truncated_records.vrrl
says out 'Fix: '
says out 'damaged'

info()
{
    expect 0 "$vrrl" info --json "$1"
    silent err
    equal "info of $1" \
        "$(json '[.version, .flags, .capacity, .cursor, .live, .gaps, .wrapped, .first_timestamp_ns, .last_timestamp_ns]')" \
        "$2"
    equal 'path' "$(json .path)" "\"$1\""
}
info empty_cap4.vrrl '[1,0,4,0,0,0,false,0,0]'
info two_of_cap4.vrrl '[1,0,4,2,2,0,false,1000001,1000002]'
info rollover_5_of_cap3.vrrl '[1,0,3,2,3,0,true,1000002,1000004]'
info full_cap1024_plus17.vrrl '[1,0,1024,17,1024,0,true,1000017,1001040]'
info evidence_tail.vrrl '[1,0,4,2,2,0,false,1000001,1000002]'
info cursor_past_capacity.vrrl '[1,0,4,2,2,0,false,1000001,1000002]'

# What a killed recorder or a set clock leaves is said and forgiven.
cp full_cap1024_plus17.vrrl gap.vrrl
poke gap.vrrl $((32 + 64 * 500)) '\0\0\0\0'
expect 0 "$vrrl" verify gap.vrrl
says out '^gap.vrrl: 1 of its written places'
says out 'sound, 1023 records'
expect 0 "$vrrl" info --json gap.vrrl
equal 'gaps' "$(json '[.gaps, .live, .wrapped]')" '[1,1023,true]'

cp rollover_5_of_cap3.vrrl behind.vrrl
poke behind.vrrl 24 '\001'
expect 0 "$vrrl" verify --json behind.vrrl
equal 'cursor left behind' "$(json '[.sound, (.findings[] | select(.kind == "cursor_behind") | .damage)]')" \
    '[true,false]'
expect 0 "$vrrl" dump --json behind.vrrl
equal 'newest record last' "$(json .slot_idx)" '2 3 4'

cp two_of_cap4.vrrl clock.vrrl
poke clock.vrrl $((32 + 4 + 7)) '\001'
expect 0 "$vrrl" verify clock.vrrl
says out 'clock was set back 1 time '

finish
