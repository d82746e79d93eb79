//! How elements are combined: the loops of a reduction, compiled for each function and dtype.

use std::hint::black_box;
use std::marker::PhantomData;

use super::{Fold, LANES, RUN};
use crate::dtype::{DType, Element};
use crate::kernel::level::levels;
use crate::kernel::number::Number;

/// An associative function as the loops that need it. All give the same bits at every level of instructions.
pub(super) struct Combine<T> {
    /// What combining nothing gives.
    pub first: T,
    pub pair: fn(T, T) -> T,
    /// Neighbours in pairs, so many, an odd one alone: to the first half.
    pub pairs: fn(&mut [T]),
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
    fn combine(fold: Fold) -> Option<&'static Combine<Self>>;
}

macro_rules! folded {
    ($($t:ty: $($Name:ident),*;)*) => {$(
        impl Folded for $t {
            fn combine(fold: Fold) -> Option<&'static Combine<Self>> {
                match fold {
                    $(Fold::$Name => Some(const { &Combine::of::<$Name>() }),)*
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
    const fn of<P: Pair<T>>() -> Self {
        Self {
            first: P::FIRST,
            pair: P::of,
            pairs: |x| {
                let n = x.len();
                for k in 0..n / 2 {
                    x[k] = P::of(x[2 * k], x[2 * k + 1]);
                }
                if n % 2 == 1 {
                    x[n / 2] = x[n - 1];
                }
            },
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
/// Lanes that are left after the first halving.
const HALF: usize = LANES / 2;

fn leaves<T: Element, P: Pair<T>>(width: usize, x: &[T], out: &mut [T]) {
    if width < LANES {
        return short(width, x, out, P::FIRST, P::of);
    }
    match P::VECTORS {
        true => whole::<T, P>(width, x, out, PhantomData),
        false => any::<T, P>(width, x, out),
    }
    let rest = width - width % LANES..width;
    if !rest.is_empty() {
        for (out, row) in out.iter_mut().zip(x.chunks_exact(width)) {
            *out = row[rest.clone()].iter().fold(*out, |total, &x| P::of(total, x));
        }
    }
}

/// The lanes of rows, whatever their elements are.
fn any<T: Element, P: Pair<T>>(width: usize, x: &[T], out: &mut [T]) {
    for (row, out) in x.chunks_exact(width).zip(out) {
        let mut lanes = [P::FIRST; LANES];
        deal_any::<T, P>(&mut lanes, &row[..width - width % LANES]);
        *out = collapse(&lanes, P::of);
    }
}

levels! {
    /// As `any`, in vectors.
    fn whole[T: Element, P: Pair<T>](width: usize, x: &[T], out: &mut [T], _pair: PhantomData<P>) {
        for (x, out) in x.chunks(width * TOGETHER).zip(out.chunks_mut(TOGETHER)) {
            let mut lanes = [[P::FIRST; HALF]; TOGETHER];
            let mut undefined = false;
            for (lanes, row) in lanes.iter_mut().zip(x.chunks_exact(width)) {
                // A probe for every row, so that none waits for another.
                let start = if P::SHORTER { row[0] } else { P::FIRST };
                let (mut totals, mut probes) = ([P::FIRST; LANES], [start; LANES]);
                for round in row.as_chunks::<LANES>().0 {
                    let round = *round;
                    for i in 0..LANES {
                        totals[i] = P::of_defined(totals[i], round[i]);
                        probes[i] = P::probe(probes[i], round[i]);
                    }
                }
                for i in 0..HALF {
                    lanes[i] = P::of_defined(totals[i], totals[i + HALF]);
                }
                for probe in probes {
                    undefined |= P::undefined(probe);
                }
            }
            if undefined {
                any::<T, P>(width, x, out);
                continue;
            }
            // Through memory, else the compiler would make vectors of two elements of all, which is how this ends.
            let totals = halve(black_box(&lanes), P::of_defined);
            for (out, total) in out.iter_mut().zip(totals) {
                *out = total;
            }
        }
    }
}

/// The rest of `collapse` for some leaves at once: the compiler makes vectors of what is left of several.
#[inline(always)]
fn halve<T: Copy>(lanes: &[[T; HALF]; TOGETHER], f: impl Fn(T, T) -> T) -> [T; TOGETHER] {
    let mut eights = [[lanes[0][0]; 8]; TOGETHER];
    for (x, lanes) in eights.iter_mut().zip(lanes) {
        for i in 0..8 {
            x[i] = f(lanes[i], lanes[i + 8]);
        }
    }
    let mut fours = [[lanes[0][0]; 4]; TOGETHER];
    for (x, eight) in fours.iter_mut().zip(&eights) {
        for i in 0..4 {
            x[i] = f(eight[i], eight[i + 4]);
        }
    }
    let mut totals = [lanes[0][0]; TOGETHER];
    for (total, x) in totals.iter_mut().zip(&fours) {
        *total = f(f(x[0], x[2]), f(x[1], x[3]));
    }
    totals
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
