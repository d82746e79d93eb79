//! CSV and JSON logs: what is read back is what was reported, and stopping and resuming leaves no trace.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use wengert_tensor::{ErrorKind, Result};
use wengert_train::{CsvLog, JsonlLog, Log, Report};

fn report(step: u64) -> Report {
    let report = Report::new(step, step / 4).with("loss", 1.0 / (step as f64 + 3.0));
    if step % 4 == 3 { report.with("accuracy, top 5", step as f64 / 20.0) } else { report }
}

type Kind = fn(&Path) -> Box<dyn Log>;

const KINDS: [Kind; 2] = [|path| Box::new(CsvLog::new(path)), |path| Box::new(JsonlLog::new(path))];

fn resumed(mut log: Box<dyn Log>, step: u64) -> Result<Box<dyn Log>> {
    log.resume(step)?;
    Ok(log)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Stopped after `stop` steps, the file cut anywhere after what belongs to `snapshot`, resumed from there: as if it
    /// had never stopped.
    #[test]
    fn resumed_logs_are_those_of_one_run(snapshot in 3u64..20, extra in 0u64..10, torn in 0usize..60) {
        for new in KINDS {
            let dir = tempfile::tempdir().unwrap();
            let (whole, path) = (dir.path().join("whole"), dir.path().join("log"));
            let mut log = new(&whole);
            (0..30).for_each(|step| log.report(&report(step)).unwrap());

            let mut log = new(&path);
            (0..=snapshot).for_each(|step| log.report(&report(step)).unwrap());
            let kept = fs::metadata(&path).unwrap().len() as usize;
            (snapshot + 1..=snapshot + extra).for_each(|step| log.report(&report(step)).unwrap());
            let text = fs::read(&path).unwrap();
            fs::write(&path, &text[..text.len().saturating_sub(torn).max(kept)]).unwrap();
            let mut log = resumed(new(&path), snapshot).unwrap();
            (snapshot + 1..30).for_each(|step| log.report(&report(step)).unwrap());

            prop_assert_eq!(fs::read_to_string(&whole).unwrap(), fs::read_to_string(&path).unwrap());
        }
    }

    /// Numbers of any kind come back with the same bits from CSV, names of any kind with the same letters.
    #[test]
    fn csv_gives_numbers_back(values in prop::collection::vec(any::<f64>(), 1..5), name in "[ -~äλ]{1,8}") {
        prop_assume!(!["step", "epoch"].contains(&&*name));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.csv");
        let mut log = CsvLog::new(&path);
        for (step, value) in values.iter().enumerate() {
            log.report(&Report::new(step as u64, 0).with(&*name, *value)).unwrap();
        }
        let mut reader = csv::Reader::from_path(&path).unwrap();
        prop_assert_eq!(reader.headers().unwrap(), &csv::StringRecord::from(vec!["step", "epoch", &*name]));
        for (record, value) in reader.records().zip(&values) {
            let read: f64 = record.unwrap()[2].parse().unwrap();
            prop_assert!(read.to_bits() == value.to_bits() || read.is_nan() && value.is_nan());
        }
    }
}

#[test]
fn every_line_is_json() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.jsonl");
    let values = [0.1, -0.0, 1e300, 5e-324, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    let mut log = JsonlLog::new(&path);
    let report = values.iter().enumerate().fold(Report::new(7, 1), |r, (i, x)| r.with(format!("\"{i}\\"), *x));
    log.report(&report).unwrap();
    let object: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!((object["step"].as_u64(), object["epoch"].as_u64()), (Some(7), Some(1)));
    for (name, value) in &report.values {
        let read = object[name].as_f64().unwrap_or_else(|| object[name].as_str().unwrap().parse().unwrap());
        assert!(read.to_bits() == value.to_bits() || read.is_nan() && value.is_nan());
    }
}

#[test]
fn resuming_without_a_file_begins_one() {
    for new in KINDS {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        resumed(new(&path), 10).unwrap().report(&report(11)).unwrap();
        assert!(fs::read_to_string(&path).unwrap().ends_with('\n'));
        // A header or a line that was cut off is no log yet.
        fs::write(&path, "step,ep").unwrap();
        resumed(new(&path), 10).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
    }
}

#[test]
fn files_of_another_kind_are_refused_and_kept() {
    for new in KINDS {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        for text in ["a letter\n", "step,epoch,loss\nx,0,1\n", "{\"loss\": 1}\n", "\u{fffd}\0\n"] {
            fs::write(&path, text).unwrap();
            let error = resumed(new(&path), 3).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::File, "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert!(new(Path::new("/proc/version/log")).report(&report(0)).is_err());
        let mut log = new(&path);
        for name in ["step", "epoch", "", "two\nlines"] {
            assert_eq!(log.report(&Report::new(0, 0).with(name, 1.0)).unwrap_err().kind(), ErrorKind::Value);
        }
    }
}
