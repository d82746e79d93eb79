//! How tensors print: like NumPy's arrays.
//!
//! Columns are aligned, large tensors are cut to the ends of their axes, and the work is bounded by
//! what is shown, never by the tensor's size or (in stack) by its rank.

use std::fmt::{self, Write};

use crate::dtype::Scalar;
use crate::kernel::with_element;
use crate::tensor::Tensor;

/// Tensors of more elements than this are cut.
const WHOLE: usize = 1000;
/// How many entries a cut axis shows at either end.
const EDGE: usize = 3;
/// The most elements a cut tensor shows: four cut axes. Axes outside those show their first entry.
const SHOWN: usize = (2 * EDGE).pow(4);
/// Lines are wrapped at this column.
const LINE: usize = 80;
/// The most digits after the point, unless the format says otherwise.
const DIGITS: usize = 8;

/// The elements in nested brackets; the plain number for rank 0. Empty tensors show dtype and shape.
///
/// Floats have up to 8 digits after the point, as few as tell them from their neighbours, and are in
/// exponent notation where one is at least 1e8 or below 1e-4. A precision, as in `{:.3}`, fixes the
/// digits after the point; a width is the least width of every column.
///
/// ```
/// use wengert_tensor::Tensor;
/// let x = Tensor::from([[1.0, 0.5], [-20.0, 0.25]]);
/// assert_eq!(x.to_string(), "[[  1.     0.5 ]\n [-20.     0.25]]");
/// assert_eq!(format!("{x:.1}"), "[[  1.0   0.5]\n [-20.0   0.2]]");
/// ```
impl fmt::Display for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No float has more digits than this, and the standard library refuses very large precisions.
        let precision = f.precision().map(|digits| digits.min(1100));
        match (self.numel(), self.rank()) {
            (0, _) => write!(f, "[] {}{}", self.dtype(), self.shape()),
            (_, 0) => {
                let text = whole_number(self, precision);
                write!(f, "{text:>width$}", width = f.width().unwrap_or(0))
            }
            _ => {
                let axes = shown(self.shape());
                let texts = aligned(&elements(self, &axes), precision);
                let width = texts.iter().map(String::len).chain(f.width()).max().unwrap_or(0);
                Brackets { f, rank: axes.len(), column: 0 }.write(&axes, &texts, width)
            }
        }
    }
}

/// As `Display`, followed by the dtype and the shape.
impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        match self.numel() {
            0 => Ok(()),
            _ => write!(f, " {}{}", self.dtype(), self.shape()),
        }
    }
}

/// Which entries of an axis are shown: so many of the first and of the last.
struct ShownAxis {
    size: usize,
    head: usize,
    tail: usize,
}

impl ShownAxis {
    fn count(&self) -> usize {
        self.head + self.tail
    }

    fn is_cut(&self) -> bool {
        self.count() < self.size
    }

    /// The index in the axis of its `i`-th shown entry.
    fn index(&self, i: usize) -> usize {
        if i < self.head { i } else { self.size - self.count() + i }
    }
}

fn shown(shape: &crate::Shape) -> Vec<ShownAxis> {
    let cut = shape.numel() > WHOLE;
    let mut total = 1;
    let mut axes: Vec<ShownAxis> = Vec::with_capacity(shape.rank());
    for &size in shape.iter().rev() {
        let (head, tail) = if cut && size > 2 * EDGE { (EDGE, EDGE) } else { (size, 0) };
        let (head, tail) = if cut && total * (head + tail) > SHOWN { (1, 0) } else { (head, tail) };
        total *= head + tail;
        axes.push(ShownAxis { size, head, tail });
    }
    axes.reverse();
    axes
}

/// The shown elements in row-major order.
fn elements(tensor: &Tensor, axes: &[ShownAxis]) -> Vec<Scalar> {
    let total = axes.iter().map(ShownAxis::count).product();
    let place = |k: usize| {
        let (mut rest, mut place) = (k, tensor.layout().offset() as isize);
        for (axis, stride) in axes.iter().zip(tensor.layout().strides()).rev() {
            place += axis.index(rest % axis.count()) as isize * stride;
            rest /= axis.count();
        }
        place as usize
    };
    with_element!(tensor.dtype(), T => match tensor.view().typed::<T>("print") {
        Ok(x) => (0..total).map(|k| computed(x.data[place(k)].into())).collect(),
        Err(_) => Vec::new(),
    })
}

/// A value of half precision as an `f32`, any other as it is.
fn computed(x: Scalar) -> Scalar {
    x.cast(x.dtype().computed())
}

/// The text of a tensor of rank 0.
fn whole_number(tensor: &Tensor, precision: Option<usize>) -> String {
    let Ok(x) = tensor.scalar() else { return String::new() };
    match (computed(x), precision) {
        _ if x.dtype().is_float() && !x.to_f64().is_finite() => not_finite(x.to_f64()),
        (Scalar::F32(_) | Scalar::F64(_), Some(digits)) => format!("{x:.digits$}"),
        (Scalar::F32(x), None) => format!("{x:?}"),
        (Scalar::F64(x), None) => format!("{x:?}"),
        (x, _) => x.to_string(),
    }
}

/// The texts of elements of one dtype. Those of finite floats are equally long, with their points in
/// one column.
fn aligned(elements: &[Scalar], precision: Option<usize>) -> Vec<String> {
    if !elements.first().is_some_and(|x| x.dtype().is_float()) {
        return elements.iter().map(Scalar::to_string).collect();
    }
    let sizes = || elements.iter().map(|x| x.to_f64().abs()).filter(|x| x.is_finite() && *x != 0.0);
    let far = sizes().any(|x| !(1e-4..1e8).contains(&x));
    let format = |text: &dyn Fn(&Scalar) -> String| -> Vec<String> {
        let finite = |x: &Scalar| x.to_f64().is_finite();
        elements.iter().map(|x| if finite(x) { text(x) } else { not_finite(x.to_f64()) }).collect()
    };
    let finite = || elements.iter().filter(|x| x.to_f64().is_finite());
    match precision {
        Some(digits) => format(&|x| format!("{x:.digits$}")),
        None if far => {
            let parts = |x: &Scalar| decimals(&exponent(x, None).0);
            let digits = finite().map(parts).max().unwrap_or(0).min(DIGITS);
            let width = if finite().any(|x| exponent(x, Some(digits)).1.abs() > 99) { 4 } else { 3 };
            format(&|x| {
                let (mantissa, exponent) = exponent(x, Some(digits));
                format!("{mantissa}e{exponent:+0width$}")
            })
        }
        None => {
            let digits = finite().map(|x| decimals(&fixed(x))).max().unwrap_or(0);
            format(&|x| {
                let text = fixed(x);
                let missing = digits - decimals(&text);
                text + &" ".repeat(missing)
            })
        }
    }
}

fn not_finite(x: f64) -> String {
    match x {
        _ if x.is_nan() => "nan",
        _ if x > 0.0 => "inf",
        _ => "-inf",
    }
    .to_owned()
}

/// The number of digits after the point.
fn decimals(text: &str) -> usize {
    text.split_once('.').map_or(0, |(_, digits)| digits.len())
}

/// The shortest text that reads back as `x`, cut to so many digits after the point, which is always there.
fn fixed(x: &Scalar) -> String {
    let text = x.to_string();
    match decimals(&text) {
        0 => text + ".",
        1..=DIGITS => text,
        _ => format!("{x:.DIGITS$}").trim_end_matches('0').to_owned(),
    }
}

/// Mantissa and exponent of a float, with as few digits as needed or so many after the point.
fn exponent(x: &Scalar, digits: Option<usize>) -> (String, i32) {
    let text = match (*x, digits) {
        (Scalar::F32(x), None) => format!("{x:e}"),
        (Scalar::F32(x), Some(digits)) => format!("{x:.digits$e}"),
        (x, None) => format!("{:e}", x.to_f64()),
        (x, Some(digits)) => format!("{:.digits$e}", x.to_f64()),
    };
    match text.split_once('e') {
        Some((mantissa, exponent)) => (mantissa.to_owned(), exponent.parse().unwrap_or(0)),
        None => (text, 0),
    }
}

/// Writes texts in nested brackets, without recursion: the index of the next text is counted up, and
/// every axis that it carries over closes and opens a bracket.
struct Brackets<'a, 'f> {
    f: &'a mut fmt::Formatter<'f>,
    rank: usize,
    column: usize,
}

impl Brackets<'_, '_> {
    fn write(mut self, axes: &[ShownAxis], texts: &[String], width: usize) -> fmt::Result {
        let mut index = vec![0; self.rank];
        self.repeat('[', self.rank)?;
        for (k, text) in texts.iter().enumerate() {
            if k > 0 {
                let mut at = self.rank - 1;
                while index[at] + 1 == axes[at].count() {
                    index[at] = 0;
                    self.close(at, &axes[at])?;
                    at -= 1;
                }
                index[at] += 1;
                if axes[at].is_cut() && index[at] == axes[at].head {
                    self.separate(at, 3)?;
                    self.put("...")?;
                }
                self.separate(at, width)?;
                self.repeat('[', self.rank - 1 - at)?;
            }
            self.put(&format!("{text:>width$}"))?;
        }
        (0..self.rank).rev().try_for_each(|at| self.close(at, &axes[at]))
    }

    fn close(&mut self, at: usize, axis: &ShownAxis) -> fmt::Result {
        if axis.is_cut() && axis.tail == 0 {
            self.separate(at, 3)?;
            self.put("...")?;
        }
        self.put("]")
    }

    /// Goes to the next entry of axis `at`, `width` wide: along the line, or to a new one.
    fn separate(&mut self, at: usize, width: usize) -> fmt::Result {
        let inner = self.rank - 1 - at;
        if inner == 0 && self.column + 1 + width < LINE {
            return self.put(" ");
        }
        self.repeat('\n', inner.max(1))?;
        self.column = 0;
        self.repeat(' ', at + 1)
    }

    fn put(&mut self, text: &str) -> fmt::Result {
        self.column += text.len();
        self.f.write_str(text)
    }

    fn repeat(&mut self, c: char, times: usize) -> fmt::Result {
        self.column += times;
        (0..times).try_for_each(|_| self.f.write_char(c))
    }
}
