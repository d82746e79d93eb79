//! How elements are combined: the loops of a reduction, compiled for each function and dtype.

#![allow(unsafe_code, reason = "calls functions compiled for an instruction set that was detected")]

use super::{Fold, LANES, RUN};
use crate::dtype::Element;
use crate::kernel::math::Level;
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
}

macro_rules! pairs {
    ($($Name:ident<$bound:ident> $first:ident $f:ident;)*) => {$(
        struct $Name;

        impl<T: $bound> Pair<T> for $Name {
            const FIRST: T = T::$first;

            #[inline(always)]
            fn of(a: T, b: T) -> T {
                a.$f(b)
            }
        }
    )*};
}

pairs! {
    Sum<Number> ZERO plus;
    Prod<Number> ONE times;
    Max<Number> LOWEST larger;
    Min<Number> HIGHEST smaller;
}

struct Any;
struct All;

impl Pair<bool> for Any {
    const FIRST: bool = false;

    #[inline(always)]
    fn of(a: bool, b: bool) -> bool {
        a | b
    }
}

impl Pair<bool> for All {
    const FIRST: bool = true;

    #[inline(always)]
    fn of(a: bool, b: bool) -> bool {
        a & b
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

/// Defines a loop that is compiled for several instruction sets, from its body.
macro_rules! leveled {
    ($($name:ident = $body:ident($($arg:ident: $ty:ty),*) $(-> $out:ty)?;)*) => {$(
        fn $name<T: Element, P: Pair<T>>($($arg: $ty),*) $(-> $out)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                fn wide<T: Element, P: Pair<T>>($($arg: $ty),*) $(-> $out)? {
                    $body::<T, P>($($arg),*)
                }
                if Level::best() >= Level::Avx2 {
                    // SAFETY: the processor has these instructions.
                    return unsafe { wide::<T, P>($($arg),*) };
                }
            }
            $body::<T, P>($($arg),*)
        }
    )*};
}

leveled! {
    lanes = lanes_body(into: &mut [T; LANES], x: &[T]);
    leaf = leaf_body(x: &[T]) -> T;
    leaves = leaves_body(width: usize, x: &[T], out: &mut [T]);
    columns = columns_body(out: &mut [T], x: &[T]);
    run = run_body(into: &mut [T], x: &[T], stride: usize, rows: usize);
}

impl<T: Element> Combine<T> {
    fn of<P: Pair<T>>() -> Self {
        Self {
            first: P::FIRST,
            pair: P::of,
            lanes: lanes::<T, P>,
            collapse: collapse::<T, P>,
            leaf: leaf::<T, P>,
            leaves: leaves::<T, P>,
            columns: columns::<T, P>,
            run: run::<T, P>,
            runs: runs::<T, P>,
        }
    }
}

#[inline(always)]
fn lanes_body<T: Element, P: Pair<T>>(into: &mut [T; LANES], x: &[T]) {
    let mut lanes = *into;
    for round in x.as_chunks::<LANES>().0 {
        lanes.iter_mut().zip(round).for_each(|(lane, &x)| *lane = P::of(*lane, x));
    }
    *into = lanes;
}

#[inline(always)]
fn collapse<T: Element, P: Pair<T>>(lanes: &[T; LANES]) -> T {
    let mut lanes = *lanes;
    let mut width = LANES;
    while width > 1 {
        width /= 2;
        for i in 0..width {
            lanes[i] = P::of(lanes[i], lanes[i + width]);
        }
    }
    lanes[0]
}

#[inline(always)]
fn leaf_body<T: Element, P: Pair<T>>(x: &[T]) -> T {
    let (rounds, rest) = x.split_at(x.len() - x.len() % LANES);
    let mut total = P::FIRST;
    if !rounds.is_empty() {
        let mut lanes = [P::FIRST; LANES];
        lanes_body::<T, P>(&mut lanes, rounds);
        total = collapse::<T, P>(&lanes);
    }
    rest.iter().fold(total, |total, &x| P::of(total, x))
}

/// Short rows side by side: what is a chain of one after another in each goes on in all of them at once.
const ABREAST: usize = 8;

#[inline(always)]
fn leaves_body<T: Element, P: Pair<T>>(width: usize, x: &[T], out: &mut [T]) {
    if width >= LANES {
        x.chunks_exact(width).zip(out).for_each(|(row, out)| *out = leaf_body::<T, P>(row));
        return;
    }
    let (some, rest) = out.as_chunks_mut::<ABREAST>();
    let (x, x_rest) = x.split_at(some.len() * ABREAST * width);
    for (x, out) in x.chunks_exact((ABREAST * width).max(1)).zip(some) {
        let mut totals = [P::FIRST; ABREAST];
        for i in 0..width {
            totals.iter_mut().enumerate().for_each(|(row, total)| *total = P::of(*total, x[row * width + i]));
        }
        *out = totals;
    }
    x_rest.chunks_exact(width.max(1)).zip(rest).for_each(|(row, out)| *out = leaf_body::<T, P>(row));
}

#[inline(always)]
fn columns_body<T: Element, P: Pair<T>>(out: &mut [T], x: &[T]) {
    out.iter_mut().zip(x).for_each(|(out, &x)| *out = P::of(*out, x));
}

/// Columns that stay in registers while a run of rows goes by.
const STRIP: usize = 32;

#[inline(always)]
fn run_body<T: Element, P: Pair<T>>(into: &mut [T], x: &[T], stride: usize, rows: usize) {
    let (strips, rest) = into.as_chunks_mut::<STRIP>();
    let mut at = 0;
    for strip in strips {
        let mut totals = *strip;
        for row in 0..rows {
            let x = &x[row * stride + at..][..STRIP];
            totals.iter_mut().zip(x).for_each(|(total, &x)| *total = P::of(*total, x));
        }
        *strip = totals;
        at += STRIP;
    }
    for row in 0..rows {
        let x = &x[row * stride + at..][..rest.len()];
        columns_body::<T, P>(rest, x);
    }
}

fn runs<T: Element, P: Pair<T>>(x: &[T]) -> T {
    let total = |x: &[T]| x.iter().fold(P::FIRST, |total, &x| P::of(total, x));
    x.chunks(RUN).fold(P::FIRST, |all, run| P::of(all, total(run)))
}
