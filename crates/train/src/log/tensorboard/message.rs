//! The few Protocol Buffers messages of event files, written field by field.
//!
//! Sources: Protocol Buffers, *Encoding*; TensorFlow's `event.proto`, `summary.proto`, `tensor.proto`. A field is a tag,
//! (number << 3) | wire type, and its value. The field numbers stand at the calls.

/// A message in the making.
#[derive(Debug, Clone, Default)]
pub struct Message(pub Vec<u8>);

impl Message {
    fn varint(mut self, mut x: u64) -> Self {
        while x >= 0x80 {
            self.0.push(x as u8 | 0x80);
            x >>= 7;
        }
        self.0.push(x as u8);
        self
    }

    /// A field of an integer type or an enum.
    pub fn int(self, field: u32, x: i64) -> Self {
        self.varint(u64::from(field) << 3).varint(x as u64)
    }

    pub fn double(self, field: u32, x: f64) -> Self {
        let mut this = self.varint(u64::from(field) << 3 | 1);
        this.0.extend(x.to_le_bytes());
        this
    }

    pub fn float(self, field: u32, x: f32) -> Self {
        let mut this = self.varint(u64::from(field) << 3 | 5);
        this.0.extend(x.to_le_bytes());
        this
    }

    /// A field of a string, of bytes, or of a message.
    pub fn bytes(self, field: u32, x: impl AsRef<[u8]>) -> Self {
        let x = x.as_ref();
        let mut this = self.varint(u64::from(field) << 3 | 2).varint(x.len() as u64);
        this.0.extend(x);
        this
    }

    /// A packed, repeated field.
    pub fn doubles(self, field: u32, xs: &[f64]) -> Self {
        let packed: Vec<u8> = xs.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.bytes(field, packed)
    }
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// `Summary.Value`: what one tag has to show.
pub fn scalar(tag: &str, x: f64) -> Message {
    Message::default().bytes(1, tag).float(2, x as f32)
}

/// `Summary.Value` with a PNG.
pub fn image(tag: &str, (width, height): (u32, u32), channels: u8, png: &[u8]) -> Message {
    let image = Message::default();
    let image = image.int(1, height.into()).int(2, width.into()).int(3, channels.into()).bytes(4, png);
    Message::default().bytes(1, tag).bytes(4, image)
}

/// `Summary.Value` with a text, which TensorBoard reads as Markdown.
pub fn text(tag: &str, text: &str) -> Message {
    let shape = Message::default().bytes(2, Message::default().int(1, 1)); // one axis of size 1
    let tensor = Message::default().int(1, 7 /* DT_STRING */).bytes(2, shape).bytes(8, text);
    let metadata = Message::default().bytes(1, Message::default().bytes(1, "text"));
    Message::default().bytes(1, tag).bytes(8, tensor).bytes(9, metadata)
}

/// `Summary.Value` with a histogram: counts between edges of equal distance.
///
/// Numbers that are not finite are in no bucket.
pub fn histogram(tag: &str, xs: &[f64], buckets: usize) -> Message {
    let finite = || xs.iter().copied().filter(|x| x.is_finite());
    let (mut low, mut high) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(x), h.max(x)));
    if low > high {
        (low, high) = (0.0, 0.0);
    }
    // One bucket for equal numbers; halves keep differences finite.
    let buckets = if low == high { 1 } else { buckets.max(1) };
    let half_width = (high / 2.0 - low / 2.0) / buckets as f64;
    let mut counts = vec![0.0; buckets];
    for x in finite() {
        let place = ((x / 2.0 - low / 2.0) / half_width) as usize;
        counts[place.min(buckets - 1)] += 1.0;
    }
    let part = |i: usize| i as f64 / buckets as f64;
    let limits: Vec<f64> = (1..=buckets).map(|i| low * (1.0 - part(i)) + high * part(i)).collect();
    let (n, sum, squares) = finite().fold((0.0, 0.0, 0.0), |(n, s, q), x| (n + 1.0, s + x, q + x * x));
    let histogram = Message::default().double(1, low).double(2, high).double(3, n).double(4, sum).double(5, squares);
    Message::default().bytes(1, tag).bytes(5, histogram.doubles(6, &limits).doubles(7, &counts))
}

/// `Event` with what a step has to show.
pub fn summary(time: f64, step: i64, values: &[Message]) -> Message {
    let summary = values.iter().fold(Message::default(), |summary, value| summary.bytes(1, value));
    event(time, step).bytes(5, summary)
}

/// `Event` at the head of a file.
pub fn version(time: f64) -> Message {
    event(time, 0).bytes(3, "brain.Event:2")
}

/// `Event` that says: what was logged of `step` and later, in this directory's earlier files, does not count.
pub fn start(time: f64, step: i64) -> Message {
    event(time, step).bytes(7, Message::default().int(1, 1 /* START */))
}

fn event(time: f64, step: i64) -> Message {
    Message::default().double(1, time).int(2, step)
}
