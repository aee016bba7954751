//! vyre's RingLog as a command, to compare vrrl with:
//!
//!     ringlog read LOG                        the records as JSON lines, oldest first
//!     ringlog write LOG CAPACITY FIRST COUNT  append records FIRST … FIRST + COUNT - 1
//!     ringlog write-failures LOG              a log with one record for each class of failure
//!
//! `write` appends the same records as write_log.c does, through libvrrl.

use std::env;
use std::error::Error;
use std::process::ExitCode;

use vyre_runtime::replay::{
    RecordedSlot, ReplayFailureClass, ReplayFailureEvidence, ReplayRecord, RingLog,
};

const CLASSES: [ReplayFailureClass; 5] = [
    ReplayFailureClass::None,
    ReplayFailureClass::DeviceLoss,
    ReplayFailureClass::TransientQueue,
    ReplayFailureClass::ProgramBug,
    ReplayFailureClass::Unclassified,
];

/// Record `i` of the pattern: all bits of every field vary, and the time ascends.
fn pattern(i: u64) -> RecordedSlot {
    let word = |k: u64| {
        let product = (i * 8 + k + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (product >> 32) as u32
    };
    RecordedSlot {
        timestamp_ns: 0xFEDC_BA98_0000_0001 + i * 1001,
        slot_idx: word(0),
        tenant_id: word(1),
        opcode: word(2),
        args: [word(3), word(4), word(5), word(6)],
        epoch: word(7),
    }
}

/// One record, with the keys and the order of `vrrl dump --json`.
fn print(record: &ReplayRecord) {
    let slot = &record.slot;
    print!(
        "{{\"timestamp_ns\":{},\"slot_idx\":{},\"tenant_id\":{},\"opcode\":{},\
         \"args\":[{},{},{},{}],\"epoch\":{}",
        slot.timestamp_ns,
        slot.slot_idx,
        slot.tenant_id,
        slot.opcode,
        slot.args[0],
        slot.args[1],
        slot.args[2],
        slot.args[3],
        slot.epoch
    );
    if let Some(failure) = record.failure {
        let class = CLASSES.iter().position(|c| *c == failure.failure_class);
        print!(
            ",\"failure\":{{\"slot_status\":{},\"class\":{},\"backend_code\":{},\
             \"output_digest\":\"0x{:016x}\"}}",
            failure.slot_status,
            class.expect("Fix: name the new class of failure in CLASSES."),
            failure.backend_error_code,
            failure.output_digest
        );
    }
    println!("}}");
}

fn read(path: &str) -> Result<(), Box<dyn Error>> {
    // The capacity of an existing log is its own; this one is not used.
    for record in RingLog::open(path, 1)?.replay_records()? {
        print(&record);
    }
    Ok(())
}

fn write(path: &str, capacity: u64, first: u64, count: u64) -> Result<(), Box<dyn Error>> {
    let mut log = RingLog::open(path, capacity)?;
    for i in first..first + count {
        log.append(pattern(i))?;
    }
    Ok(log.sync()?)
}

fn write_failures(path: &str) -> Result<(), Box<dyn Error>> {
    let mut log = RingLog::open(path, 8)?;
    for (i, class) in (0u32..).zip(CLASSES) {
        let failure = ReplayFailureEvidence {
            slot_status: 7,
            failure_class: class,
            backend_error_code: u32::MAX - i,
            output_digest: u64::MAX - u64::from(i),
        };
        log.append_with_failure(pattern(u64::from(i)), failure)?;
    }
    Ok(log.sync()?)
}

fn run(args: &[&str]) -> Result<(), Box<dyn Error>> {
    match args {
        ["read", path] => read(path),
        ["write", path, capacity, first, count] => {
            write(path, capacity.parse()?, first.parse()?, count.parse()?)
        }
        ["write-failures", path] => write_failures(path),
        _ => Err("unknown arguments. Fix: see the top of main.rs.".into()),
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ringlog: {error}");
            ExitCode::from(2)
        }
    }
}
