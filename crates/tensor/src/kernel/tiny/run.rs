//! Running a machine's code.

#![allow(unsafe_code, reason = "places that were checked when the code was written, and loops for an instruction set")]

use super::{Code, Function, Instruction, MOST, Machine, Matrix, Product, Reduction, WIDE};
use crate::error::{Error, Result};
use crate::kernel::gemm::{self, PARTS};
use crate::kernel::math::real::{Formulas, Real, Scalar};
use crate::kernel::math::trig::Trig;
use crate::kernel::math::{self, BLOCK, Formula, Level};
use crate::kernel::number::Number;
use crate::kernel::reduce::{Fold, LANES, RUN};
use crate::view::{Data, DataMut};

/// Numbers that machines compute with.
trait Float: Scalar + Number {
    fn data(x: &[Self]) -> Data<'_>;
    fn data_mut(x: &mut [Self]) -> DataMut<'_>;
}

impl Float for f32 {
    fn data(x: &[Self]) -> Data<'_> {
        Data::F32(x)
    }

    fn data_mut(x: &mut [Self]) -> DataMut<'_> {
        DataMut::F32(x)
    }
}

impl Float for f64 {
    fn data(x: &[Self]) -> Data<'_> {
        Data::F64(x)
    }

    fn data_mut(x: &mut [Self]) -> DataMut<'_> {
        DataMut::F64(x)
    }
}

impl Machine {
    /// Runs the code on a slab.
    ///
    /// # Errors
    /// A slab that is too short or not of floats; what a called kernel refuses.
    pub fn run(&self, slab: DataMut) -> Result<()> {
        match slab {
            DataMut::F32(slab) => self.on(slab),
            DataMut::F64(slab) => self.on(slab),
            other => Err(Error::dtype(format!("tiny: takes a slab of floats, got {}", other.dtype()))),
        }
    }

    fn on<T: Float>(&self, slab: &mut [T]) -> Result<()> {
        if slab.len() < self.reach {
            let (len, reach) = (slab.len(), self.reach);
            return Err(Error::shape(format!("tiny: a slab of {len} elements for code that reaches {reach}")));
        }
        let slab = Slab(slab.as_mut_ptr());
        // SAFETY: the slab reaches as far as the code does; a `Level` is one that this processor has.
        unsafe {
            match Level::best() {
                Level::Portable => portable(self, slab),
                // The widest registers are no better for a few elements.
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 | Level::Avx512 => avx2(self, slab),
            }
        }
    }
}

#[inline(never)]
unsafe fn portable<T: Float>(machine: &Machine, slab: Slab<T>) -> Result<()> {
    // SAFETY: as the caller says; so below.
    unsafe {
        match cfg!(any(target_feature = "fma", target_arch = "aarch64")) {
            true => execute::<T, T::Fused>(machine, slab),
            false => execute::<T, T::Plain>(machine, slab),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<T: Float>(machine: &Machine, slab: Slab<T>) -> Result<()> {
    // SAFETY: as the caller says.
    unsafe { execute::<T, T::Fused>(machine, slab) }
}

/// The slab: its functions take places that are within.
#[derive(Clone, Copy)]
struct Slab<T>(*mut T);

impl<T: Float> Slab<T> {
    #[inline(always)]
    unsafe fn get(self, at: usize) -> T {
        // SAFETY: as the caller says; so below.
        unsafe { *self.0.add(at) }
    }

    #[inline(always)]
    unsafe fn set(self, at: usize, x: T) {
        // SAFETY: as above.
        unsafe { *self.0.add(at) = x }
    }

    #[inline(always)]
    unsafe fn load<const N: usize>(self, at: usize) -> [T; N] {
        // SAFETY: as above. An array may lie wherever an element may.
        unsafe { *self.0.add(at).cast() }
    }

    #[inline(always)]
    unsafe fn store<const N: usize>(self, at: usize, x: [T; N]) {
        // SAFETY: as above.
        unsafe { *self.0.add(at).cast() = x }
    }
}

/// Runs all instructions.
///
/// # Safety
/// The slab has as many elements as the code reaches, and the processor what the caller is compiled for.
#[inline(always)]
unsafe fn execute<T: Float, R: Formulas + From<T> + Into<T>>(machine: &Machine, slab: Slab<T>) -> Result<()> {
    let mut code = &machine.code[..];
    while let Some(i) = code.first() {
        // SAFETY: as the caller says; so in all of this file.
        unsafe {
            match i.code {
                Code::Each(_) if i.blocks == 0 => {
                    code = numbers::<T, R>(code, slab);
                    continue;
                }
                Code::Each(f) => blocks::<T>(f, i, slab),
                Code::Splat => {
                    let x = [slab.get(i.x[0] as usize); BLOCK];
                    (0..i.blocks as usize).for_each(|k| slab.store(i.out as usize + k * BLOCK, x));
                }
                Code::Gather => {
                    let (start, n) = machine.gathers[i.number as usize];
                    for (k, &place) in machine.places[start..start + n].iter().enumerate() {
                        slab.set(i.out as usize + k, slab.get(place as usize));
                    }
                }
                Code::Fold => reduction(&machine.reductions[i.number as usize], i, slab),
                Code::Product => product::<T, R>(&machine.products[i.number as usize], i.out as usize, slab),
                Code::Call => call(machine, i, slab)?,
            }
        }
        code = &code[1..];
    }
    Ok(())
}

/// Runs the first instructions, as far as they are functions of single numbers; the others are left.
#[inline(always)]
unsafe fn numbers<T: Float, R: Formulas + From<T> + Into<T>>(code: &[Instruction], slab: Slab<T>) -> &[Instruction] {
    // The last numbers, and where they were written: they are in registers sooner than in memory.
    let (mut last, mut before) = ((u32::MAX, T::ZERO), (u32::MAX, T::ZERO));
    for (k, i) in code.iter().enumerate() {
        let (Code::Each(f), 0) = (i.code, i.blocks) else { return &code[k..] };
        // SAFETY: as for the whole.
        unsafe {
            let x = match i.x[0] {
                at if at == last.0 => last.1,
                at if at == before.0 => before.1,
                at => slab.get(at as usize),
            };
            (before, last) = (last, (i.out, number::<T, R>(f, x, i, slab)));
            slab.set(i.out as usize, last.1);
        }
    }
    &[]
}

fn truth<T: Float>(is: bool) -> T {
    if is { T::ONE } else { T::ZERO }
}

/// A function of a number, and of others in the slab.
#[inline(always)]
unsafe fn number<T: Float, R: Formulas + From<T> + Into<T>>(f: Function, x: T, i: &Instruction, slab: Slab<T>) -> T {
    // SAFETY: as for the whole.
    let y = || unsafe { slab.get(i.x[1] as usize) };
    match f {
        Function::Neg => x.negated(),
        Function::Abs => x.magnitude(),
        Function::Sign => Number::sign(x),
        Function::Square => x.times(x),
        Function::Recip => x.recip(),
        Function::Sqrt => x.sqrt(),
        Function::Rsqrt => x.sqrt().recip(),
        Function::Exp => math::Exp::at(R::from(x)).into(),
        Function::Exp2 => math::Exp2::at(R::from(x)).into(),
        Function::ExpM1 => math::ExpM1::at(R::from(x)).into(),
        Function::Ln => math::Ln::at(R::from(x)).into(),
        Function::Ln1p => math::Ln1p::at(R::from(x)).into(),
        Function::Log2 => math::Log2::at(R::from(x)).into(),
        Function::Log10 => math::Log10::at(R::from(x)).into(),
        Function::Sin if is_far(x) => far(x, T::sin),
        Function::Sin => math::NearSin::at(R::from(x)).into(),
        Function::Cos if is_far(x) => far(x, T::cos),
        Function::Cos => math::NearCos::at(R::from(x)).into(),
        Function::Tanh => math::Tanh::at(R::from(x)).into(),
        Function::Sigmoid => math::Sigmoid::at(R::from(x)).into(),
        Function::Softplus => math::Softplus::at(R::from(x)).into(),
        Function::Erf => math::Erf::at(R::from(x)).into(),
        Function::Erfc => math::Erfc::at(R::from(x)).into(),
        Function::Add => x.plus(y()),
        Function::Sub => x.minus(y()),
        Function::Mul => x.times(y()),
        Function::Div => x / y(),
        Function::Maximum => x.larger(y()),
        Function::Minimum => x.smaller(y()),
        Function::Equal => truth(x == y()),
        Function::NotEqual => truth(x != y()),
        Function::Less => truth(x < y()),
        Function::LessEqual => truth(x <= y()),
        // SAFETY: as above.
        Function::Select => unsafe { slab.get(i.x[if x != T::ZERO { 1 } else { 2 }] as usize) },
    }
}

/// Whether sine and cosine are to be had elsewhere.
#[inline(always)]
fn is_far<T: Float>(x: T) -> bool {
    let limit: T = T::Plain::of(T::Plain::FAR).into();
    x.abs() > limit
}

#[cold]
#[inline(never)]
fn far<T: Float>(x: T, f: fn(T) -> T) -> T {
    f(x)
}

/// A function of several elements.
#[inline(always)]
unsafe fn blocks<T: Float>(f: Function, i: &Instruction, slab: Slab<T>) {
    // SAFETY: as for the whole.
    unsafe {
        match f {
            Function::Neg => each(i, slab, |[x]| x.negated()),
            Function::Abs => each(i, slab, |[x]| x.magnitude()),
            Function::Sign => each(i, slab, |[x]| Number::sign(x)),
            Function::Square => each(i, slab, |[x]| x.times(x)),
            Function::Recip => each(i, slab, |[x]| x.recip()),
            Function::Sqrt => each(i, slab, |[x]| x.sqrt()),
            Function::Rsqrt => each(i, slab, |[x]| x.sqrt().recip()),
            Function::Exp => whole(i, slab, math::map::<math::Exp, T>),
            Function::Exp2 => whole(i, slab, math::map::<math::Exp2, T>),
            Function::ExpM1 => whole(i, slab, math::map::<math::ExpM1, T>),
            Function::Ln => whole(i, slab, math::map::<math::Ln, T>),
            Function::Ln1p => whole(i, slab, math::map::<math::Ln1p, T>),
            Function::Log2 => whole(i, slab, math::map::<math::Log2, T>),
            Function::Log10 => whole(i, slab, math::map::<math::Log10, T>),
            Function::Sin => whole(i, slab, math::sin),
            Function::Cos => whole(i, slab, math::cos),
            Function::Tanh => whole(i, slab, math::map::<math::Tanh, T>),
            Function::Sigmoid => whole(i, slab, math::map::<math::Sigmoid, T>),
            Function::Softplus => whole(i, slab, math::map::<math::Softplus, T>),
            Function::Erf => whole(i, slab, math::map::<math::Erf, T>),
            Function::Erfc => whole(i, slab, math::map::<math::Erfc, T>),
            Function::Add => each(i, slab, |[x, y]| x.plus(y)),
            Function::Sub => each(i, slab, |[x, y]| x.minus(y)),
            Function::Mul => each(i, slab, |[x, y]| x.times(y)),
            Function::Div => each(i, slab, |[x, y]| x / y),
            Function::Maximum => each(i, slab, |[x, y]| x.larger(y)),
            Function::Minimum => each(i, slab, |[x, y]| x.smaller(y)),
            Function::Equal => each(i, slab, |[x, y]| truth(x == y)),
            Function::NotEqual => each(i, slab, |[x, y]| truth(x != y)),
            Function::Less => each(i, slab, |[x, y]| truth(x < y)),
            Function::LessEqual => each(i, slab, |[x, y]| truth(x <= y)),
            Function::Select => each(i, slab, |[c, x, y]| if c != T::ZERO { x } else { y }),
        }
    }
}

/// A function of numbers, in all lanes of all blocks.
#[inline(always)]
unsafe fn each<T: Float, const N: usize>(i: &Instruction, slab: Slab<T>, f: impl Fn([T; N]) -> T) {
    for k in 0..i.blocks as usize {
        // SAFETY: as for the whole.
        let x: [[T; BLOCK]; N] = std::array::from_fn(|j| unsafe { slab.load(i.x[j] as usize + k * BLOCK) });
        let mut out = [T::ZERO; BLOCK];
        for (l, out) in out.iter_mut().enumerate() {
            *out = f(std::array::from_fn(|j| x[j][l]));
        }
        // SAFETY: likewise.
        unsafe { slab.store(i.out as usize + k * BLOCK, out) };
    }
}

/// A loop of the processor's best level, on copies of all blocks.
#[inline(always)]
unsafe fn whole<T: Float>(i: &Instruction, slab: Slab<T>, f: fn(Level, &[T], &mut [T])) {
    for k in 0..i.blocks as usize {
        // SAFETY: as for the whole.
        let (x, mut out): ([T; BLOCK], _) = (unsafe { slab.load(i.x[0] as usize + k * BLOCK) }, [T::ZERO; BLOCK]);
        f(Level::best(), &x, &mut out);
        // SAFETY: likewise.
        unsafe { slab.store(i.out as usize + k * BLOCK, out) };
    }
}

/// Calls a kernel on copies of the operands.
#[inline(never)]
unsafe fn call<T: Float>(machine: &Machine, i: &Instruction, slab: Slab<T>) -> Result<()> {
    let call = &machine.calls[i.number as usize];
    let mut copies = [[T::ZERO; MOST]; 3];
    // SAFETY: as for the whole; nothing else refers to the slab.
    let out = unsafe {
        for (copy, &x) in copies.iter_mut().zip(&i.x) {
            (0..call.n).for_each(|k| copy[k] = slab.get(x as usize + k));
        }
        std::slice::from_raw_parts_mut(slab.0.add(i.out as usize), call.n)
    };
    let operands = copies.each_ref().map(|copy| T::data(&copy[..call.n]));
    call.kernel.call(&operands[..call.operands], T::data_mut(out))
}

#[inline(always)]
unsafe fn reduction<T: Float>(job: &Reduction, i: &Instruction, slab: Slab<T>) {
    // SAFETY: as for the whole.
    unsafe {
        match job.fold {
            Fold::Max => reduce(job, i, slab, T::LOWEST, T::larger),
            Fold::Min => reduce(job, i, slab, T::HIGHEST, T::smaller),
            _ => reduce(job, i, slab, T::ZERO, T::plus),
        }
    }
}

/// In the order that [`reduce`](crate::kernel::reduce) says.
#[inline(always)]
unsafe fn reduce<T: Float>(job: &Reduction, i: &Instruction, slab: Slab<T>, first: T, f: impl Fn(T, T) -> T + Copy) {
    for result in 0..job.results {
        let start = i.x[0] as usize + result * job.steps[0];
        // SAFETY: as for the whole.
        let term = |k: usize| unsafe { slab.get(start + k * job.steps[1]) };
        let (mut total, mut k) = (first, 0);
        if job.trailing {
            if job.terms >= LANES {
                let mut lanes = [first; LANES];
                while k < job.terms - job.terms % LANES {
                    lanes[k % LANES] = f(lanes[k % LANES], term(k));
                    k += 1;
                }
                let mut width = LANES;
                while width > 1 {
                    width /= 2;
                    (0..width).for_each(|l| lanes[l] = f(lanes[l], lanes[l + width]));
                }
                total = lanes[0];
            }
            (k..job.terms).for_each(|k| total = f(total, term(k)));
        } else {
            while k < job.terms {
                let end = job.terms.min(k + RUN);
                let run = (k..end).fold(first, |run, k| f(run, term(k)));
                (total, k) = (f(total, run), end);
            }
        }
        // SAFETY: likewise.
        unsafe { slab.set(i.out as usize + result, total) };
    }
}

/// In the order that [`gemm`] says.
#[inline(always)]
unsafe fn product<T: Float, R: Real + From<T> + Into<T>>(job: &Product, out: usize, slab: Slab<T>) {
    let ([m, k, n], x, y) = (job.sizes, job.x, job.y);
    let at = |x: Matrix, i: usize, j: usize| {
        (x.start as isize + i as isize * x.strides[0] + j as isize * x.strides[1]) as usize
    };
    let mul_add = |x: T, y: T, sum: T| R::from(x).mul_add(R::from(y), R::from(sum)).into();
    // SAFETY: as for the whole.
    unsafe {
        if gemm::Path::of(m, k, n) == gemm::Path::Vector {
            for i in 0..m * n {
                let (i, j) = if n == 1 { (i, 0) } else { (0, i) };
                let mut parts = [T::ZERO; PARTS];
                for p in 0..k {
                    let part = &mut parts[p % PARTS];
                    *part = mul_add(slab.get(at(x, i, p)), slab.get(at(y, p, j)), *part);
                }
                slab.set(out + i.max(j), gemm::pairwise(parts));
            }
            return;
        }
        for i in 0..m {
            for j in (0..n).step_by(WIDE) {
                let mut sums = [T::ZERO; WIDE];
                if k == 1 {
                    let (x, y) = (slab.get(at(x, i, 0)), slab.load::<WIDE>(at(y, 0, j)));
                    sums = y.map(|y| x.times(y));
                }
                for p in 0..if k == 1 { 0 } else { k } {
                    let (x, y) = (slab.get(at(x, i, p)), slab.load::<WIDE>(at(y, p, j)));
                    (0..WIDE).for_each(|l| sums[l] = mul_add(x, y[l], sums[l]));
                }
                // What is beyond the row is written over by the next.
                slab.store(out + i * n + j, sums);
            }
        }
    }
}
