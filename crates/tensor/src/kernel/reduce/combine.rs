//! How elements are combined: the loops of a reduction, compiled for each function and dtype.

use std::hint::black_box;

use super::{Fold, LANES, RUN};
use crate::dtype::{DType, Element};
use crate::kernel::level::levels;
use crate::kernel::number::Number;

/// An associative function as the loops that need it. All give the same bits at every level of instructions.
pub(super) struct Combine<T> {
    /// What combining nothing gives.
    pub first: T,
    pub pair: fn(T, T) -> T,
    /// Element i of the second into lane i mod LANES of the first; whole rounds of lanes only.
    pub deal: fn(&mut [T; LANES], &[T]),
    /// All lanes, combined as halves.
    pub collapse: fn(&[T; LANES]) -> T,
    /// No more than LEAF elements, by lanes.
    pub leaf: fn(&[T]) -> T,
    /// Each row of as many elements, no more than LEAF, as a leaf, into an element of the second.
    pub leaves: fn(usize, &[T], &mut [T]),
    /// Each element of the second into that of the first.
    pub columns: fn(&mut [T], &[T]),
    /// Rows that start so far apart, so many, each into the first.
    pub run: fn(&mut [T], &[T], usize, usize),
    /// No more than LEAF elements, by runs.
    pub runs: fn(&[T]) -> T,
}

/// An associative function with what it leaves alone.
trait Pair<T> {
    const FIRST: T;
    /// Whether vectors of elements are worth the code.
    const VECTORS: bool;
    fn of(a: T, b: T) -> T;

    /// Whether there is a shorter way where no element is undefined.
    const SHORTER: bool;
    /// What makes a total undefined, if an element is; it may also do so otherwise.
    fn probe(total: T, x: T) -> T;
    fn undefined(total: T) -> bool;
    fn of_defined(a: T, b: T) -> T;
}

macro_rules! pairs {
    ($($Name:ident<$T:ident: $bound:ident> $first:expr, vectors $vectors:literal, |$a:ident, $b:ident| $f:expr $(, if defined $defined:expr)?;)*) => {$(
        struct $Name;

        impl<$T: $bound> Pair<$T> for $Name {
            const FIRST: $T = $first;
            const VECTORS: bool = $vectors && matches!($T::DTYPE, DType::F32 | DType::F64);

            #[inline(always)]
            fn of($a: $T, $b: $T) -> $T {
                $f
            }

            pairs! { @shorter $T, $a, $b, $f $(, $defined)? }
        }
    )*};

    (@shorter $T:ident, $a:ident, $b:ident, $f:expr) => {
        const SHORTER: bool = false;

        #[inline(always)]
        fn probe(total: $T, _: $T) -> $T {
            total
        }

        #[inline(always)]
        fn undefined(_: $T) -> bool {
            false
        }

        #[inline(always)]
        fn of_defined($a: $T, $b: $T) -> $T {
            $f
        }
    };

    (@shorter $T:ident, $a:ident, $b:ident, $f:expr, $defined:expr) => {
        const SHORTER: bool = true;

        #[inline(always)]
        fn probe(total: $T, x: $T) -> $T {
            total.plus(x)
        }

        #[inline(always)]
        fn undefined(x: $T) -> bool {
            x.undefined()
        }

        #[inline(always)]
        fn of_defined($a: $T, $b: $T) -> $T {
            $defined
        }
    };
}

pairs! {
    Sum<T: Number> T::ZERO, vectors true, |a, b| a.plus(b);
    Prod<T: Number> T::ONE, vectors false, |a, b| a.times(b);
    Max<T: Number> T::LOWEST, vectors true, |a, b| a.larger(b), if defined if a > b { a } else { b };
    Min<T: Number> T::HIGHEST, vectors true, |a, b| a.smaller(b), if defined if a < b { a } else { b };
    Any<T: Truth> T::NO, vectors false, |a, b| a.or(b);
    All<T: Truth> T::YES, vectors false, |a, b| a.and(b);
}

/// `bool`, as bounds want it.
trait Truth: Element {
    const NO: Self;
    const YES: Self;
    fn or(self, other: Self) -> Self;
    fn and(self, other: Self) -> Self;
}

impl Truth for bool {
    const NO: Self = false;
    const YES: Self = true;

    fn or(self, other: Self) -> Self {
        self | other
    }

    fn and(self, other: Self) -> Self {
        self & other
    }
}

/// A dtype with the functions that combine its elements.
pub(super) trait Folded: Element {
    /// The loops of a function; `None` where this dtype lacks it.
    fn combine(fold: Fold) -> Option<Combine<Self>>;
}

macro_rules! folded {
    ($($t:ty: $($Name:ident),*;)*) => {$(
        impl Folded for $t {
            fn combine(fold: Fold) -> Option<Combine<Self>> {
                match fold {
                    $(Fold::$Name => Some(Combine::of::<$Name>()),)*
                    _ => None,
                }
            }
        }
    )*};
}

folded! {
    f32: Sum, Prod, Max, Min;
    f64: Sum, Prod, Max, Min;
    i64: Sum, Prod, Max, Min;
    bool: Any, All;
}

impl<T: Element> Combine<T> {
    fn of<P: Pair<T>>() -> Self {
        Self {
            first: P::FIRST,
            pair: P::of,
            deal: deal_any::<T, P>,
            collapse: |lanes| collapse(lanes, P::of),
            leaf: |x| {
                let mut total = [P::FIRST];
                if !x.is_empty() {
                    leaves::<T, P>(x.len(), x, &mut total);
                }
                total[0]
            },
            leaves: leaves::<T, P>,
            columns: |out, x| columns(out, x, P::of),
            run: |into, x, stride, rows| match P::VECTORS {
                true => run(into, x, stride, rows, P::of),
                false => (0..rows).for_each(|row| columns(into, &x[row * stride..], P::of)),
            },
            runs: |x| {
                let total = |x: &[T]| x.iter().fold(P::FIRST, |total, &x| P::of(total, x));
                x.chunks(RUN).fold(P::FIRST, |all, run| P::of(all, total(run)))
            },
        }
    }
}

/// Leaves whose lanes are there at once.
const TOGETHER: usize = 4;

fn leaves<T: Element, P: Pair<T>>(width: usize, x: &[T], out: &mut [T]) {
    if width < LANES {
        return short(width, x, out, P::FIRST, P::of);
    }
    let rest = width - width % LANES..width;
    for (x, out) in x.chunks(width * TOGETHER).zip(out.chunks_mut(TOGETHER)) {
        let mut lanes = [[P::FIRST; LANES]; TOGETHER];
        let lanes = &mut lanes[..out.len()];
        let mut undefined = !P::VECTORS;
        if P::VECTORS {
            let mut probe = [P::FIRST; LANES];
            if P::SHORTER {
                probe = [x[0]; LANES];
            }
            deal_rows(lanes, width, x, &mut probe, P::of_defined, P::probe);
            undefined = probe.iter().any(|&x| P::undefined(x));
        }
        match undefined {
            false => halve(lanes, out, P::of_defined),
            true => {
                for ((lanes, row), out) in lanes.iter_mut().zip(x.chunks_exact(width)).zip(&mut *out) {
                    *lanes = [P::FIRST; LANES];
                    deal_any::<T, P>(lanes, &row[..rest.start]);
                    *out = collapse(lanes, P::of);
                }
            }
        }
        if !rest.is_empty() {
            for (out, row) in out.iter_mut().zip(x.chunks_exact(width)) {
                *out = row[rest.clone()].iter().fold(*out, |total, &x| P::of(total, x));
            }
        }
    }
}

/// Whatever the elements are: in vectors, where that is worth the code.
fn deal_any<T: Element, P: Pair<T>>(lanes: &mut [T; LANES], x: &[T]) {
    if P::VECTORS && !P::SHORTER {
        return deal(lanes, x, P::of);
    }
    for round in x.as_chunks::<LANES>().0 {
        lanes.iter_mut().zip(round).for_each(|(lane, &x)| *lane = P::of(*lane, x));
    }
}

/// All lanes, combined as halves. Not to be compiled into what deals to them: there the compiler would make vectors
/// of two elements, which is how this ends.
fn collapse<T: Copy>(lanes: &[T; LANES], f: impl Fn(T, T) -> T) -> T {
    let mut lanes = *lanes;
    let mut width = LANES;
    while width > 1 {
        width /= 2;
        for i in 0..width {
            lanes[i] = f(lanes[i], lanes[i + width]);
        }
    }
    lanes[0]
}

levels! {
    fn deal[T: Copy](lanes: &mut [T; LANES], x: &[T], f: impl Fn(T, T) -> T + Copy) {
        let mut totals = *lanes;
        for round in x.as_chunks::<LANES>().0 {
            totals.iter_mut().zip(round).for_each(|(total, &x)| *total = f(*total, x));
        }
        *lanes = totals;
    }
}

levels! {
    /// As `deal` for every row to lanes of its own, which are those of nothing yet; and all elements to `probe`.
    fn deal_rows[T: Copy](
        lanes: &mut [[T; LANES]],
        width: usize,
        x: &[T],
        probe: &mut [T; LANES],
        f: impl Fn(T, T) -> T + Copy,
        g: impl Fn(T, T) -> T + Copy,
    ) {
        let mut probes = *probe;
        for (lanes, row) in lanes.iter_mut().zip(x.chunks_exact(width)) {
            let mut totals = *lanes;
            for round in row.as_chunks::<LANES>().0 {
                totals.iter_mut().zip(round).for_each(|(total, &x)| *total = f(*total, x));
                probes.iter_mut().zip(round).for_each(|(probe, &x)| *probe = g(*probe, x));
            }
            *lanes = totals;
        }
        *probe = probes;
    }
}

levels! {
    /// As `collapse` for every row of lanes, of which nothing is left. Every step is through memory, else the compiler would
    /// make vectors of two elements of all, which is how this ends.
    fn halve[T: Copy](lanes: &mut [[T; LANES]], out: &mut [T], f: impl Fn(T, T) -> T + Copy) {
        for (lanes, out) in lanes.iter_mut().zip(out) {
            step::<T, 16>(lanes, f);
            step::<T, 8>(lanes, f);
            step::<T, 4>(lanes, f);
            *out = f(f(lanes[0], lanes[2]), f(lanes[1], lanes[3]));
        }
    }
}

#[inline(always)]
fn step<T: Copy, const WIDTH: usize>(lanes: &mut [T; LANES], f: impl Fn(T, T) -> T) {
    (0..WIDTH).for_each(|i| lanes[i] = f(lanes[i], lanes[i + WIDTH]));
    black_box(lanes);
}

/// Short rows side by side: what is a chain of one after another in each goes on in all of them at once.
const ABREAST: usize = 8;

fn short<T: Copy>(width: usize, x: &[T], out: &mut [T], first: T, f: impl Fn(T, T) -> T) {
    let (some, last) = out.as_chunks_mut::<ABREAST>();
    let (x, x_last) = x.split_at(some.len() * ABREAST * width);
    for (x, out) in x.chunks_exact((ABREAST * width).max(1)).zip(some) {
        let mut totals = [first; ABREAST];
        for i in 0..width {
            totals.iter_mut().enumerate().for_each(|(row, total)| *total = f(*total, x[row * width + i]));
        }
        *out = totals;
    }
    let total = |row: &[T]| row.iter().fold(first, |total, &x| f(total, x));
    x_last.chunks_exact(width.max(1)).zip(last).for_each(|(row, out)| *out = total(row));
}

levels! {
    fn columns[T: Copy](out: &mut [T], x: &[T], f: impl Fn(T, T) -> T + Copy) {
        out.iter_mut().zip(x).for_each(|(out, &x)| *out = f(*out, x));
    }
}

/// Columns that stay in registers while a run of rows goes by.
const STRIP: usize = 32;

levels! {
    fn run[T: Copy](into: &mut [T], x: &[T], stride: usize, rows: usize, f: impl Fn(T, T) -> T + Copy) {
        let (strips, rest) = into.as_chunks_mut::<STRIP>();
        let mut at = 0;
        for strip in strips {
            let mut totals = *strip;
            for row in 0..rows {
                let x = &x[row * stride + at..][..STRIP];
                totals.iter_mut().zip(x).for_each(|(total, &x)| *total = f(*total, x));
            }
            *strip = totals;
            at += STRIP;
        }
        for row in 0..rows {
            let x = &x[row * stride + at..][..rest.len()];
            rest.iter_mut().zip(x).for_each(|(total, &x)| *total = f(*total, x));
        }
    }
}
