//! Event files say what was logged: decoded here by the formats' rules, CRCs included, and by TensorBoard itself.
//!
//! To check with TensorBoard (`pip install tensorboard`):
//!
//! ```sh
//! WENGERT_EVENTS=/tmp/events cargo test -p wengert-train --test tensorboard
//! python crates/train/tests/read_events.py /tmp/events
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use wengert_tensor::{DType, Tensor};
use wengert_train::{Log, Report, TensorBoard};

/// A field of a message: its number, and its bytes; integers as eight bytes.
type Fields = Vec<(u64, Vec<u8>)>;

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut x = 0;
    for shift in (0..64).step_by(7) {
        let byte = bytes[0];
        *bytes = &bytes[1..];
        x |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return x;
        }
    }
    panic!("a varint of more than ten bytes")
}

fn take<'a>(bytes: &mut &'a [u8], n: usize) -> &'a [u8] {
    let (head, tail) = bytes.split_at(n);
    *bytes = tail;
    head
}

fn fields(mut message: &[u8]) -> Fields {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let tag = varint(&mut message);
        let value = match tag & 7 {
            0 => varint(&mut message).to_le_bytes().to_vec(),
            1 => take(&mut message, 8).to_vec(),
            2 => {
                let n = varint(&mut message) as usize;
                take(&mut message, n).to_vec()
            }
            5 => take(&mut message, 4).to_vec(),
            wire => panic!("wire type {wire}"),
        };
        fields.push((tag >> 3, value));
    }
    fields
}

fn all(fields: &Fields, number: u64) -> Vec<&[u8]> {
    fields.iter().filter(|f| f.0 == number).map(|f| &f.1[..]).collect()
}

fn one(fields: &Fields, number: u64) -> &[u8] {
    let found = all(fields, number);
    assert_eq!(found.len(), 1, "field {number} in {fields:?}");
    found[0]
}

fn int(bytes: &[u8]) -> i64 {
    i64::from_le_bytes(bytes.try_into().unwrap())
}

fn doubles(bytes: &[u8]) -> Vec<f64> {
    bytes.as_chunks().0.iter().map(|x| f64::from_le_bytes(*x)).collect()
}

/// CRC-32C bit by bit, by its definition, and TFRecord's mask.
fn masked_crc(bytes: &[u8]) -> u32 {
    let mut crc = !0u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 };
        }
    }
    (!crc).rotate_right(15).wrapping_add(0xa282_ead8)
}

fn events(file: &Path) -> Vec<Fields> {
    let file = fs::read(file).unwrap();
    let mut rest = &file[..];
    let mut events = Vec::new();
    while !rest.is_empty() {
        let length = take(&mut rest, 8);
        assert_eq!(take(&mut rest, 4), masked_crc(length).to_le_bytes());
        let message = take(&mut rest, int(length) as usize);
        assert_eq!(take(&mut rest, 4), masked_crc(message).to_le_bytes());
        events.push(fields(message));
    }
    events
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn loss(step: u64) -> Report {
    Report::new(step, 0).with("train/loss", 1.0 / step as f64).with("rate", 1e-3)
}

#[test]
fn event_files_say_what_was_logged() {
    let temporary = tempfile::tempdir().unwrap();
    let runs = std::env::var_os("WENGERT_EVENTS").map_or(temporary.path().to_path_buf(), PathBuf::from);
    let dir = runs.join("run");
    let _ = fs::remove_dir_all(&dir);

    let mut board = TensorBoard::new(&dir);
    for step in 1..=20 {
        board.report(&loss(step)).unwrap();
    }
    board.report(&Report::new(5, 0).with("strange", f64::NAN)).unwrap();
    let uniform = Tensor::linspace(-1.0, 3.0, 641).unwrap();
    board.histogram(3, "weights", &uniform).unwrap();
    board.histogram(3, "equal", &Tensor::full([7], 2.5f32).unwrap()).unwrap();
    board.histogram(3, "nothing", &Tensor::from([f64::NAN, f64::INFINITY])).unwrap();
    board.histogram(3, "huge", &Tensor::from([-f64::MAX, 0.0, f64::MAX])).unwrap();
    let red = Tensor::from([[[1.0f32, 1.0, 1.0]; 2], [[0.0, 0.5, 0.0]; 2], [[0.0, 0.0, f32::NAN]; 2]]);
    board.image(4, "red", &red).unwrap();
    board.image(4, "grey", &Tensor::full([5, 4], 0.5).unwrap()).unwrap();
    board.text(4, "note", "a *note* – with more than ASCII").unwrap();
    drop(board);
    // Training stopped, and goes on after step 12.
    let mut board = TensorBoard::new(&dir);
    board.resume(12).unwrap();
    for step in 13..=15 {
        board.report(&loss(step)).unwrap();
    }

    let files = files(&dir);
    assert_eq!(files.len(), 2);
    let (first, second) = (events(&files[0]), events(&files[1]));
    for (events, start) in [(&first, 0), (&second, 13)] {
        assert_eq!(one(&events[0], 3), b"brain.Event:2");
        assert_eq!(int(one(&events[1], 2)), start);
        assert_eq!(int(one(&fields(one(&events[1], 7)), 1)), 1);
    }
    let shown: Vec<(i64, Fields)> = first[2..]
        .iter()
        .flat_map(|event| {
            all(&fields(one(event, 5)), 1).into_iter().map(|v| (int(one(event, 2)), fields(v))).collect::<Vec<_>>()
        })
        .collect();
    let tagged = |tag: &str| -> Vec<(i64, &Fields)> {
        shown.iter().filter(|(_, v)| one(v, 1) == tag.as_bytes()).map(|(step, v)| (*step, v)).collect()
    };
    let losses = tagged("train/loss");
    assert_eq!(losses.len(), 20);
    for (step, value) in losses {
        assert_eq!(one(value, 2), (1.0 / step as f64 as f32).to_le_bytes());
    }
    let histogram = |tag| fields(one(tagged(tag)[0].1, 5));
    let weights = histogram("weights");
    assert_eq!((doubles(one(&weights, 1)), doubles(one(&weights, 2))), (vec![-1.0], vec![3.0]));
    assert_eq!(doubles(one(&weights, 3)), [641.0]);
    let (limits, counts) = (doubles(one(&weights, 6)), doubles(one(&weights, 7)));
    assert_eq!((limits.len(), counts.len(), limits[63]), (64, 64, 3.0));
    assert!(counts.iter().all(|n| (9.0..=11.0).contains(n)) && counts.iter().sum::<f64>() == 641.0, "{counts:?}");
    assert_eq!(doubles(one(&histogram("equal"), 7)), [7.0]);
    assert_eq!(doubles(one(&histogram("nothing"), 7)), [0.0]);
    let huge = histogram("huge");
    assert!(doubles(one(&huge, 6)).iter().all(|x| x.is_finite()));
    assert_eq!(doubles(one(&huge, 7)).iter().sum::<f64>(), 3.0);
    let picture = fields(one(tagged("red")[0].1, 4));
    assert_eq!([1, 2, 3].map(|field| int(one(&picture, field))), [2, 3, 3]);
    let mut png = png::Decoder::new(std::io::Cursor::new(one(&picture, 4))).read_info().unwrap();
    let mut pixels = vec![0; png.output_buffer_size().unwrap()];
    png.next_frame(&mut pixels).unwrap();
    assert_eq!(pixels, [[255, 0, 0, 255, 128, 0, 255, 0, 0]; 2].as_flattened());
    let note = fields(one(tagged("note")[0].1, 8));
    assert_eq!(one(&note, 8), "a *note* – with more than ASCII".as_bytes());
}

#[test]
fn a_later_file_has_a_later_name() {
    let dir = tempfile::tempdir().unwrap();
    let mut names = Vec::new();
    for step in 0..5 {
        let mut board = TensorBoard::new(&dir);
        board.resume(step).unwrap();
        board.report(&loss(step + 1)).unwrap();
        let now = files(dir.path());
        names.push(now.last().unwrap().clone());
    }
    assert_eq!(files(dir.path()), names);
}

#[test]
fn what_is_no_picture_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut board = TensorBoard::new(&dir);
    for shape in [&[][..], &[3], &[2, 4, 4], &[0, 4, 4], &[4, 0], &[1, 1, 1, 1], &[1, 20_000]] {
        let error = board.image(0, "x", &Tensor::zeros(shape, DType::F32).unwrap()).unwrap_err();
        assert!(error.sentence().contains(&format!("{shape:?}")), "{error}");
    }
    assert!(board.image(0, "x", &Tensor::from([[1]])).is_err());
    assert!(TensorBoard::new("/proc/version").report(&loss(1)).is_err());
}
