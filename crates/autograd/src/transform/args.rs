//! What the functions of [`functional`](super::functional) take and return: tensors for tensors,
//! variables for variables, arrays for arrays.
//!
//! A closure of one argument takes a [`Var`] and is asked about at a `&Tensor`; one of several takes
//! an array, a tuple or a `Vec` of them and is asked about at the same of `&Tensor`. At tensors the
//! function is recorded on a tape of its own and the answers are tensors; at variables it is recorded
//! on their tape and the answers are variables, so the functions nest.
//!
//! The closure always gets variables of its own. So a variable that it also captures is constant
//! to it, and arguments are independent even where one is given twice or was computed from another.

use std::panic::Location;

use wengert_tensor::{Result, Tensor};

use crate::tape::{Tape, Var};

/// A function of variables: every closure that fits.
pub trait Function<I, O>: Fn(I) -> O {}

impl<I, O, F: Fn(I) -> O> Function<I, O> for F {}

/// A function of a flat list of variables.
#[doc(hidden)]
pub type Flat<'f, 't> = &'f dyn Fn(&[Var<'t>]) -> Var<'t>;

/// From a function, its arguments and the transformation's own operands (tangents, cotangents) to the
/// variables that answer.
#[doc(hidden)]
pub type Transform<'f> = &'f dyn for<'a, 't> Fn(Flat<'a, 't>, &[Var<'t>], &[Var<'t>]) -> Vec<Var<'t>>;

/// [`Transform`] for a function of several results.
#[doc(hidden)]
pub type Several<'f> =
    &'f dyn for<'a, 't> Fn(&'a dyn Fn(&[Var<'t>]) -> Vec<Var<'t>>, &[Var<'t>], &[Var<'t>]) -> Vec<Var<'t>>;

/// Where a function is asked about: one or several tensors, or one or several variables.
///
/// Implemented for `&Tensor`, `[&Tensor; N]`, pairs, triples and `Vec`s of them, and the same of [`Var`].
pub trait Args: Sized {
    /// What the closure takes.
    type Vars<'t>;
    /// What the closure returns.
    type Var<'t>;
    /// One argument: `&Tensor` or `Var`.
    type One;
    /// One answer: `Tensor` or `Var`.
    type Answer;
    /// A `T` for each argument: a `T`, an array, a tuple or a `Vec`.
    type Each<T>;
    /// `Result<T>` where the answers are tensors, `T` where they are variables.
    type Outcome<T>;

    /// Whether at tensors or at variables.
    #[doc(hidden)]
    type Kind: Kind;

    #[doc(hidden)]
    fn leaves(self) -> Vec<Self::One>;

    /// What there is for each argument, as a list.
    #[doc(hidden)]
    fn list<T>(each: Self::Each<T>) -> Vec<T>;

    /// What a closure takes or returns, as a list.
    #[doc(hidden)]
    fn vars<'t>(vars: Self::Vars<'t>) -> Vec<<Self::Kind as Kind>::Var<'t>>;

    /// Groups answers by argument, of which there are `count`; `None` where they are too few.
    #[doc(hidden)]
    fn each<T>(answers: &mut dyn Iterator<Item = Option<T>>, count: usize) -> Option<Self::Each<T>>;

    #[doc(hidden)]
    #[track_caller]
    fn call<T>(
        self,
        own: Vec<Self::One>,
        f: impl for<'t> Function<Self::Vars<'t>, Self::Var<'t>>,
        transform: Transform<'_>,
        finish: impl FnOnce(&mut dyn Iterator<Item = Self::Answer>) -> Option<T>,
    ) -> Self::Outcome<T>;

    /// [`call`](Self::call) for a function of several results, whose form is that of `B`.
    #[doc(hidden)]
    #[track_caller]
    fn call_several<T, B: Args<Kind = Self::Kind>>(
        self,
        own: Vec<Self::One>,
        f: impl for<'t> Function<Self::Vars<'t>, B::Vars<'t>>,
        transform: Several<'_>,
        finish: impl FnOnce(&mut dyn Iterator<Item = Self::Answer>) -> Option<T>,
    ) -> Self::Outcome<T>;

    /// [`call`](Self::call) for a function of `N` results.
    #[doc(hidden)]
    #[track_caller]
    fn call_array<T, const N: usize>(
        self,
        own: Vec<Self::One>,
        f: impl for<'t> Function<Self::Vars<'t>, [Self::Var<'t>; N]>,
        transform: Several<'_>,
        finish: impl FnOnce(&mut dyn Iterator<Item = Self::Answer>) -> Option<T>,
    ) -> Self::Outcome<T>;
}

/// What variables a closure sees: those of any tape, or those of one.
#[doc(hidden)]
pub trait Kind {
    type Var<'t>;
}

#[doc(hidden)]
#[derive(Debug)]
pub enum AtTensors {}

#[doc(hidden)]
#[derive(Debug)]
pub struct AtVariables<'a>(std::marker::PhantomData<&'a ()>);

impl Kind for AtTensors {
    type Var<'t> = Var<'t>;
}

impl<'a> Kind for AtVariables<'a> {
    type Var<'t> = Var<'a>;
}

/// [`Args`] that are tensors.
pub trait Tensors<'a>: Args<One = &'a Tensor, Answer = Tensor> {
    /// What `inspect` makes of the function, as one of a flat list of variables of any tape, and of the tensors.
    #[doc(hidden)]
    fn flat<R>(
        self,
        f: impl for<'t> Function<Self::Vars<'t>, Self::Var<'t>>,
        inspect: impl FnOnce(&dyn for<'t> Fn(&[Var<'t>]) -> Var<'t>, &[Tensor]) -> R,
    ) -> R;

    /// [`flat`](Self::flat) for a function of `N` results.
    #[doc(hidden)]
    fn flat_array<R, const N: usize>(
        self,
        f: impl for<'t> Function<Self::Vars<'t>, [Self::Var<'t>; N]>,
        inspect: impl FnOnce(Results<'_>, &[Tensor]) -> R,
    ) -> R;
}

/// A function of variables of any tape, of several results.
#[doc(hidden)]
pub type Results<'f> = &'f dyn for<'t> Fn(&[Var<'t>]) -> Vec<Var<'t>>;

const PROMISED: &str = "a transformation answers for every argument";

/// From arguments and a transformation's own operands to the variables that answer, on one tape or on any.
type Record<'f, 't> = &'f dyn Fn(&[Var<'t>], &[Var<'t>]) -> Vec<Var<'t>>;
type Everywhere<'f> = &'f dyn for<'t> Fn(&[Var<'t>], &[Var<'t>]) -> Vec<Var<'t>>;

#[track_caller]
fn call_at_tensors<T>(
    x: &[&Tensor],
    own: &[&Tensor],
    record: Everywhere<'_>,
    finish: impl FnOnce(&mut dyn Iterator<Item = Tensor>) -> Option<T>,
) -> Result<T> {
    let tape = Tape::new();
    let at = tape.here();
    let inputs = |tensors: &[&Tensor]| -> Vec<Var<'_>> {
        tape.originating(at, || tensors.iter().map(|tensor| tape.input(tensor)).collect())
    };
    let answers = record(&inputs(x), &inputs(own));
    Ok(finish(&mut tape.finish(&answers)?.into_iter()).expect(PROMISED))
}

#[track_caller]
fn call_at_variables<'a, T>(
    x: &[Var<'a>],
    own: &[Var<'a>],
    record: Record<'_, 'a>,
    finish: impl FnOnce(&mut dyn Iterator<Item = Var<'a>>) -> Option<T>,
) -> T {
    let at = Location::caller();
    let x: Vec<Var<'a>> = x.iter().map(|x| x.tape().originating(at, || x.renamed())).collect();
    finish(&mut record(&x, own).into_iter()).expect(PROMISED)
}

macro_rules! args {
    ($form:ident [$($generics:tt)*] list: |$list:ident| $leaves:expr,
        pack: |$vars:ident| $pack:expr, each: |$answers:ident, $count:pat_param| $each:expr) => {
        impl<'a, $($generics)*> Args for $form!(&'a Tensor) {
            type Vars<'t> = $form!(Var<'t>);
            type Var<'t> = Var<'t>;
            type One = &'a Tensor;
            type Answer = Tensor;
            type Each<T> = $form!(T);
            type Outcome<T> = Result<T>;
            type Kind = AtTensors;

            fn leaves(self) -> Vec<&'a Tensor> {
                Self::list(self)
            }

            fn list<T>($list: $form!(T)) -> Vec<T> {
                $leaves
            }

            fn vars<'t>($list: Self::Vars<'t>) -> Vec<<Self::Kind as Kind>::Var<'t>> {
                $leaves
            }

            fn each<T>($answers: &mut dyn Iterator<Item = Option<T>>, $count: usize) -> Option<$form!(T)> {
                $each
            }

            #[track_caller]
            fn call<T>(
                self,
                own: Vec<&'a Tensor>,
                f: impl for<'t> Function<$form!(Var<'t>), Var<'t>>,
                transform: Transform<'_>,
                finish: impl FnOnce(&mut dyn Iterator<Item = Tensor>) -> Option<T>,
            ) -> Result<T> {
                call_at_tensors(&self.leaves(), &own, &|x, own| transform(&|$vars| f($pack), x, own), finish)
            }

            #[track_caller]
            fn call_several<T, B: Args<Kind = AtTensors>>(
                self,
                own: Vec<&'a Tensor>,
                f: impl for<'t> Function<$form!(Var<'t>), B::Vars<'t>>,
                transform: Several<'_>,
                finish: impl FnOnce(&mut dyn Iterator<Item = Tensor>) -> Option<T>,
            ) -> Result<T> {
                call_at_tensors(
                    &self.leaves(),
                    &own,
                    &|x, own| transform(&|$vars| B::vars(f($pack)), x, own),
                    finish,
                )
            }

            #[track_caller]
            fn call_array<T, const RESULTS: usize>(
                self,
                own: Vec<&'a Tensor>,
                f: impl for<'t> Function<$form!(Var<'t>), [Var<'t>; RESULTS]>,
                transform: Several<'_>,
                finish: impl FnOnce(&mut dyn Iterator<Item = Tensor>) -> Option<T>,
            ) -> Result<T> {
                self.call_several::<T, [&'a Tensor; RESULTS]>(own, f, transform, finish)
            }
        }

        impl<'a, $($generics)*> Tensors<'a> for $form!(&'a Tensor) {
            fn flat<R>(
                self,
                f: impl for<'t> Function<$form!(Var<'t>), Var<'t>>,
                inspect: impl FnOnce(&dyn for<'t> Fn(&[Var<'t>]) -> Var<'t>, &[Tensor]) -> R,
            ) -> R {
                let x: Vec<Tensor> = self.leaves().into_iter().cloned().collect();
                inspect(&|$vars| f($pack), &x)
            }

            fn flat_array<R, const RESULTS: usize>(
                self,
                f: impl for<'t> Function<$form!(Var<'t>), [Var<'t>; RESULTS]>,
                inspect: impl FnOnce(Results<'_>, &[Tensor]) -> R,
            ) -> R {
                let x: Vec<Tensor> = self.leaves().into_iter().cloned().collect();
                inspect(&|$vars| f($pack).to_vec(), &x)
            }
        }

        impl<'a, $($generics)*> Args for $form!(Var<'a>) {
            type Vars<'t> = $form!(Var<'a>);
            type Var<'t> = Var<'a>;
            type One = Var<'a>;
            type Answer = Var<'a>;
            type Each<T> = $form!(T);
            type Outcome<T> = T;
            type Kind = AtVariables<'a>;

            fn leaves(self) -> Vec<Var<'a>> {
                Self::list(self)
            }

            fn list<T>($list: $form!(T)) -> Vec<T> {
                $leaves
            }

            fn vars<'t>($list: Self::Vars<'t>) -> Vec<<Self::Kind as Kind>::Var<'t>> {
                $leaves
            }

            fn each<T>($answers: &mut dyn Iterator<Item = Option<T>>, $count: usize) -> Option<$form!(T)> {
                $each
            }

            #[track_caller]
            fn call<T>(
                self,
                own: Vec<Var<'a>>,
                f: impl for<'t> Function<$form!(Var<'a>), Var<'a>>,
                transform: Transform<'_>,
                finish: impl FnOnce(&mut dyn Iterator<Item = Var<'a>>) -> Option<T>,
            ) -> T {
                call_at_variables(&self.leaves(), &own, &|x, own| transform(&|$vars| f($pack), x, own), finish)
            }

            #[track_caller]
            fn call_several<T, B: Args<Kind = AtVariables<'a>>>(
                self,
                own: Vec<Var<'a>>,
                f: impl for<'t> Function<$form!(Var<'a>), B::Vars<'t>>,
                transform: Several<'_>,
                finish: impl FnOnce(&mut dyn Iterator<Item = Var<'a>>) -> Option<T>,
            ) -> T {
                call_at_variables(
                    &self.leaves(),
                    &own,
                    &|x, own| transform(&|$vars| B::vars(f($pack)), x, own),
                    finish,
                )
            }

            #[track_caller]
            fn call_array<T, const RESULTS: usize>(
                self,
                own: Vec<Var<'a>>,
                f: impl for<'t> Function<$form!(Var<'a>), [Var<'a>; RESULTS]>,
                transform: Several<'_>,
                finish: impl FnOnce(&mut dyn Iterator<Item = Var<'a>>) -> Option<T>,
            ) -> T {
                self.call_several::<T, [Var<'a>; RESULTS]>(own, f, transform, finish)
            }
        }
    };
}

macro_rules! one {
    ($T:ty) => {
        $T
    };
}
macro_rules! array {
    ($T:ty) => {
        [$T; N]
    };
}
macro_rules! pair {
    ($T:ty) => {
        ($T, $T)
    };
}
macro_rules! triple {
    ($T:ty) => {
        ($T, $T, $T)
    };
}
macro_rules! list { ($T:ty) => { Vec<$T> }; }

args! { one []
    list: |each| vec![each],
    pack: |v| v[0],
    each: |answers, _| answers.next()?
}

args! { array [const N: usize]
    list: |each| each.into(),
    pack: |v| std::array::from_fn(|i| v[i]),
    each: |answers, _| answers.take(N).collect::<Option<Vec<T>>>()?.try_into().ok()
}

args! { pair []
    list: |each| vec![each.0, each.1],
    pack: |v| (v[0], v[1]),
    each: |answers, _| Some((answers.next()??, answers.next()??))
}

args! { triple []
    list: |each| vec![each.0, each.1, each.2],
    pack: |v| (v[0], v[1], v[2]),
    each: |answers, _| Some((answers.next()??, answers.next()??, answers.next()??))
}

args! { list []
    list: |each| each,
    pack: |v| v.to_vec(),
    each: |answers, count| answers.take(count).collect()
}
