//! How elements are combined: the loops of a reduction, compiled for each function and dtype.

use super::{Fold, LANES, RUN};
use crate::dtype::Element;
use crate::kernel::level::levels;
use crate::kernel::number::Number;

/// An associative function as the loops that need it. What holds many elements in registers is compiled for
/// several instruction sets; all give the same bits.
pub(super) struct Combine<T> {
    /// What combining nothing gives.
    pub first: T,
    pub pair: fn(T, T) -> T,
    /// Element i of the second into lane i mod LANES of the first; whole rounds of lanes only.
    pub lanes: fn(&mut [T; LANES], &[T]),
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
    fn of(a: T, b: T) -> T;

    /// The same where no operand is undefined: one instruction, perhaps.
    fn of_defined(a: T, b: T) -> T;

    fn undefined(x: T) -> bool;
}

macro_rules! pairs {
    ($($Name:ident<$bound:ident> $first:ident, |$a:ident, $b:ident| $f:expr, $defined:expr, |$x:ident| $undefined:expr;)*) => {$(
        struct $Name;

        impl<T: $bound> Pair<T> for $Name {
            const FIRST: T = T::$first;

            #[inline(always)]
            fn of($a: T, $b: T) -> T {
                $f
            }

            #[inline(always)]
            fn of_defined($a: T, $b: T) -> T {
                $defined
            }

            #[inline(always)]
            fn undefined($x: T) -> bool {
                $undefined
            }
        }
    )*};
}

pairs! {
    Sum<Number> ZERO, |a, b| a.plus(b), a.plus(b), |_x| false;
    Prod<Number> ONE, |a, b| a.times(b), a.times(b), |_x| false;
    Max<Number> LOWEST, |a, b| a.larger(b), if a > b { a } else { b }, |x| x.undefined();
    Min<Number> HIGHEST, |a, b| a.smaller(b), if a < b { a } else { b }, |x| x.undefined();
    Any<Truth> NO, |a, b| a.or(b), a.or(b), |_x| false;
    All<Truth> YES, |a, b| a.and(b), a.and(b), |_x| false;
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

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        self | other
    }

    #[inline(always)]
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
            lanes: |lanes, x| deal(lanes, x, P::of),
            collapse: |lanes| collapse(lanes, P::of),
            leaf: |x| {
                let mut total = P::FIRST;
                leaf(x, &mut total, P::FIRST, P::of, P::of_defined, P::undefined);
                total
            },
            leaves: |width, x, out| leaves(width, x, out, P::FIRST, P::of, P::of_defined, P::undefined),
            columns: |out, x| columns(out, x, P::of),
            run: |into, x, stride, rows| run(into, x, stride, rows, P::of),
            runs: |x| {
                let total = |x: &[T]| x.iter().fold(P::FIRST, |total, &x| P::of(total, x));
                x.chunks(RUN).fold(P::FIRST, |all, run| P::of(all, total(run)))
            },
        }
    }
}

#[inline(always)]
fn deal_in<T: Copy>(lanes: &mut [T; LANES], x: &[T], f: impl Fn(T, T) -> T) {
    let mut totals = *lanes;
    for round in x.as_chunks::<LANES>().0 {
        totals.iter_mut().zip(round).for_each(|(total, &x)| *total = f(*total, x));
    }
    *lanes = totals;
}

#[inline(always)]
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

#[inline(always)]
fn leaf_of<T: Copy>(x: &[T], first: T, f: impl Fn(T, T) -> T + Copy) -> T {
    let (rounds, rest) = x.split_at(x.len() - x.len() % LANES);
    let mut total = first;
    if !rounds.is_empty() {
        let mut lanes = [first; LANES];
        deal_in(&mut lanes, rounds, f);
        total = collapse(&lanes, f);
    }
    rest.iter().fold(total, |total, &x| f(total, x))
}

/// Two leaves of one length: neither waits for the other's sums.
#[inline(always)]
fn two_leaves<T: Copy>((x, y): (&[T], &[T]), first: T, f: impl Fn(T, T) -> T + Copy) -> [T; 2] {
    let ((xs, x_rest), (ys, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    let (mut a, mut b) = ([first; LANES], [first; LANES]);
    for (x, y) in xs.iter().zip(ys) {
        a.iter_mut().zip(x).for_each(|(a, &x)| *a = f(*a, x));
        b.iter_mut().zip(y).for_each(|(b, &y)| *b = f(*b, y));
    }
    let rest = |total, rest: &[T]| rest.iter().fold(total, |total, &x| f(total, x));
    [rest(collapse(&a, f), x_rest), rest(collapse(&b, f), y_rest)]
}

/// Short rows side by side: what is a chain of one after another in each goes on in all of them at once.
const ABREAST: usize = 8;

/// Columns that stay in registers while a run of rows goes by.
const STRIP: usize = 32;

levels! {
    fn deal[T: Copy](lanes: &mut [T; LANES], x: &[T], f: impl Fn(T, T) -> T + Copy) {
        deal_in(lanes, x, f);
    }
}

levels! {
    fn leaf[T: Copy](
        x: &[T],
        total: &mut T,
        first: T,
        f: impl Fn(T, T) -> T + Copy,
        defined: impl Fn(T, T) -> T + Copy,
        undefined: impl Fn(T) -> bool + Copy,
    ) {
        *total = match x.iter().fold(false, |any, &x| any | undefined(x)) {
            true => leaf_of(x, first, f),
            false => leaf_of(x, first, defined),
        };
    }
}

levels! {
    fn leaves[T: Copy](
        width: usize,
        x: &[T],
        out: &mut [T],
        first: T,
        f: impl Fn(T, T) -> T + Copy,
        defined: impl Fn(T, T) -> T + Copy,
        undefined: impl Fn(T) -> bool + Copy,
    ) {
        if width >= LANES {
            let (pairs, last) = out.as_chunks_mut::<2>();
            let (x, x_last) = x.split_at(2 * pairs.len() * width);
            for (rows, out) in x.chunks_exact(2 * width).zip(pairs) {
                *out = match rows.iter().fold(false, |any, &x| any | undefined(x)) {
                    true => two_leaves(rows.split_at(width), first, f),
                    false => two_leaves(rows.split_at(width), first, defined),
                };
            }
            last.iter_mut().for_each(|out| *out = leaf_of(x_last, first, f));
            return;
        }
        let (some, rest) = out.as_chunks_mut::<ABREAST>();
        let (x, x_rest) = x.split_at(some.len() * ABREAST * width);
        for (x, out) in x.chunks_exact((ABREAST * width).max(1)).zip(some) {
            let mut totals = [first; ABREAST];
            for i in 0..width {
                totals.iter_mut().enumerate().for_each(|(row, total)| *total = f(*total, x[row * width + i]));
            }
            *out = totals;
        }
        x_rest.chunks_exact(width.max(1)).zip(rest).for_each(|(row, out)| *out = leaf_of(row, first, f));
    }
}

levels! {
    fn columns[T: Copy](out: &mut [T], x: &[T], f: impl Fn(T, T) -> T + Copy) {
        out.iter_mut().zip(x).for_each(|(out, &x)| *out = f(*out, x));
    }
}

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
