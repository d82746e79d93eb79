//! Memory stays flat however many steps are taken: counted by the allocator itself.

#![allow(unsafe_code, reason = "counts allocations by being the allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use wengert::prelude::*;

/// The system's allocator, which keeps count of the bytes that each thread holds, of the most it held, and of how often
/// it asked.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    // A thread that is ending has no more count to keep.
    let _ = HELD.try_with(|held| {
        held.set(held.get() + bytes);
        let _ = MOST.try_with(|most| most.set(most.get().max(held.get())));
    });
}

// SAFETY: every call is the system allocator's, with the same arguments; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        let _ = ALLOCATIONS.try_with(|allocations| allocations.set(allocations.get() + 1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The bytes held more at the end than after the first tenth of `steps` steps.
fn growth(steps: usize, mut step: impl FnMut() -> Result<()>) -> Result<isize> {
    for _ in 0..steps / 10 {
        step()?;
    }
    let before = HELD.get();
    for _ in steps / 10..steps {
        step()?;
    }
    Ok(HELD.get() - before)
}

/// How often a thousand calls allocate, after a few first ones.
fn allocations(mut call: impl FnMut() -> Result<()>) -> Result<usize> {
    for _ in 0..3 {
        call()?;
    }
    let before = ALLOCATIONS.get();
    for _ in 0..1000 {
        call()?;
    }
    Ok(ALLOCATIONS.get() - before)
}

#[test]
fn a_compiled_function_allocates_nothing() -> Result<()> {
    let (x, w) = (
        Tensor::randn([64, 96], DType::F32, &mut Rng::seed(1))?,
        Tensor::randn([96, 96], DType::F32, &mut Rng::seed(2))?,
    );
    let tape = Tape::new();
    let (a, b) = (tape.input(&x), tape.input(&w));
    let y = (a.matmul(b).sigmoid() * a.softmax(-1)).square().mean();
    let mut program = tape.compile(&[a, b], &[y, y.grad(a), y.grad(b), y.grad(a).t()])?;
    // A batch after another out of one tensor.
    let batches = Tensor::stack(&[&x, &x.neg()?], 0)?;
    let batches = [batches.select_axis(0, 0)?, batches.select_axis(0, 1)?];
    let mut answers = program.run(&[&x, &w])?;
    let mut at = 0;
    let made = allocations(|| {
        at = 1 - at;
        program.run_into(&[&batches[at], &w], &mut answers)
    })?;
    assert_eq!(made, 0);
    Ok(())
}

#[test]
fn a_compiled_training_step_allocates_nothing() -> Result<()> {
    let rng = &mut Rng::seed(1);
    let mlp = Mlp::new(&[31, 64, 32, 10], Activation::Tanh, rng)?.with_output(Activation::Identity);
    let x = Tensor::randn([128, 31], DType::F32, rng)?;
    let labels = Tensor::from_vec((0..128).map(|i| i % 10).collect(), [128])?;
    let mut train = Train::new(&mlp, AdamW::new(1e-3)).compile(|[x, y]| cross_entropy(mlp.forward(x), y));
    let mut rate = 1e-3;
    let made = allocations(|| {
        rate *= 0.999;
        train.set_lr(rate);
        train.step([&x, &labels]).map(|_| ())
    })?;
    assert_eq!(made, 0);
    Ok(())
}

#[test]
fn ten_thousand_training_steps_leave_memory_flat() -> Result<()> {
    let x = Tensor::from([[0f32, 0.], [0., 1.], [1., 0.], [1., 1.]]);
    let y = Tensor::from([[0f32], [1.], [1.], [0.]]);
    let mlp = Mlp::new(&[2, 4, 1], Activation::Tanh, &mut Rng::seed(1))?;
    let mut train = Train::new(&mlp, Adam::new(0.01));
    let grown = growth(10_000, || train.step(|t| mse(mlp.forward(t.input(&x)), t.input(&y))).map(|_| ()))?;
    assert!(grown.abs() < 4096, "{grown} bytes more after 10,000 steps");
    Ok(())
}

#[test]
fn models_and_trainings_that_hold_each_other_are_freed() -> Result<()> {
    let x = Tensor::from([[0f32, 0.], [0., 1.], [1., 0.], [1., 1.]]);
    let y = Tensor::from([[0f32], [1.], [1.], [0.]]);
    let grown = growth(500, || {
        let mlp = Mlp::new(&[2, 4, 1], Activation::Tanh, &mut Rng::seed(1))?;
        // Clones share parameters, and a compiled training borrows them: each knows of the other.
        let (clone, other) = (mlp.clone(), mlp.clone());
        let mut train = Train::new(&mlp, Adam::new(0.01)).compile(move |[x, y]| mse(clone.forward(x), y));
        train.step([&x, &y])?;
        let mut again = Train::new(&other, Sgd::new(0.1)).compile(move |[x, y]| mse(other.forward(x), y));
        again.step([&x, &y])?;
        train.step([&x, &y]).map(|_| ())
    })?;
    assert!(grown.abs() < 4096, "{grown} bytes more after 500 models");
    Ok(())
}

#[test]
fn derivatives_of_custom_functions_and_checkpoints_leave_memory_flat() -> Result<()> {
    let (x, scale) = (Tensor::from([0.5, 1.5]), 2.0);
    let grown = growth(2_000, || {
        grad(|x| checkpoint(|x| wengert::straight_through(|x| x.sin().round(), x), x).sum(), &x).map(|_| ())
    })?;
    assert!(grown.abs() < 4096, "{grown} bytes more after 2,000 gradients");
    // A derivative that captures something is another each time: its programs are dropped in turn.
    let grown =
        growth(2_000, || grad(|x| custom_jvp(|[x]| x, move |_, _, [dx]| dx * scale, [x]).sum(), &x).map(|_| ()))?;
    assert!(grown.abs() < 65536, "{grown} bytes more after 2,000 gradients");
    Ok(())
}

#[test]
fn a_checkpoint_keeps_less() -> Result<()> {
    const LAYERS: usize = 16;
    fn layer(x: Var<'_>) -> Var<'_> {
        (0..8).fold(x, |x, _| (x * x + 0.1).tanh())
    }
    let x = Tensor::full([1 << 14], 0.5)?;
    let peak = |f: fn(Var<'_>) -> Var<'_>| -> Result<(Tensor, isize)> {
        wengert::trim();
        let before = HELD.get();
        MOST.set(before);
        let g = grad(|x| (0..LAYERS).fold(x, |x, _| f(x)).sum(), &x)?;
        Ok((g, MOST.get() - before))
    };
    let (kept, all) = peak(layer)?;
    let (again, less) = peak(|x| checkpoint(layer, x))?;
    assert_eq!(again, kept);
    assert!(less < all / 3, "{less} bytes of {all}");
    Ok(())
}

#[test]
fn a_deep_network_within_a_budget_keeps_a_fraction() -> Result<()> {
    const LAYERS: usize = 24;
    let (width, batch) = (32, 2048);
    let value = batch * width * size_of::<f32>();
    let mlp = Mlp::new(&[width; LAYERS + 1], Activation::Tanh, &mut Rng::seed(1))?;
    let x = Tensor::randn([batch, width], DType::F32, &mut Rng::seed(2))?;
    // The gradients, the memory that was planned for them, and the most that was held.
    let within = |budget: usize| -> Result<(Vec<Tensor>, usize, isize)> {
        let tape = Tape::new();
        let x = tape.input(&x);
        let loss = mse(remat(|x| mlp.forward(x), x, budget), x);
        let params: Vec<Var<'_>> = mlp.params().values().map(|param| param.on(&tape)).collect();
        let gradients = loss.grads(&params);
        let before = HELD.get();
        MOST.set(before);
        let mut program = tape.compile(&[], &gradients)?;
        let gradients = program.run(&[])?;
        let most = MOST.get() - before;
        let text = program.to_string();
        let planned = text.split([' ', '\n']).zip(text.split([' ', '\n']).skip(1)).find(|(_, word)| *word == "bytes");
        Ok((gradients, planned.and_then(|(number, _)| number.parse().ok()).unwrap_or(0), most))
    };
    let (kept, all, most) = within(usize::MAX)?;
    let (again, less, least) = within(10 * value)?;
    println!("{LAYERS} layers of {value} bytes: {all} planned, {most} held; within 10 layers {less} and {least}");
    // To the bit, whatever is computed again.
    assert_eq!(again, kept);
    assert!(all > LAYERS * value && less < all / 2, "{less} planned bytes of {all}");
    assert!(least < most * 3 / 5, "{least} held bytes of {most}");
    Ok(())
}

#[test]
fn a_character_model_within_a_budget_plans_a_fraction() -> Result<()> {
    const BLOCKS: usize = 6;
    let (batch, context, width, vocabulary) = (4, 64, 32, 65);
    let rng = &mut Rng::seed(1);
    // Of each block: queries, keys and values, their projection, and a network of two layers.
    let mut blocks: Vec<[Linear; 4]> = Vec::new();
    for _ in 0..BLOCKS {
        let mut dense = |inputs, outputs| Linear::new(inputs, outputs, rng);
        let attention = [dense(width, 3 * width)?, dense(width, width)?];
        let [wide, narrow] = [dense(width, 4 * width)?, dense(4 * width, width)?];
        let [projected, mixed] = attention;
        blocks.push([projected, mixed, wide, narrow]);
    }
    let (table, head) =
        (Param::new(Tensor::randn([vocabulary, width], DType::F32, rng)?), Linear::new(width, vocabulary, rng)?);
    let ids: Vec<i64> = (0..batch * context).map(|i| (i * i % vocabulary) as i64).collect();
    let ids = Tensor::from_vec(ids, [batch, context])?;
    fn block<'t>(x: Var<'t>, [projected, mixed, wide, narrow]: &[Linear; 4]) -> Var<'t> {
        let (shape, heads) = (x.shape(), 2);
        let (context, width) = (shape[1], shape[2]);
        let all = projected.forward(x.layer_norm(-1, None, None, 1e-5));
        // [3, batch, heads, context, depth]
        let all = all.reshape([shape[0], context, 3, heads, width / heads]).permute([2, 0, 3, 1, 4]);
        let [query, key, value] = [0, 1, 2].map(|i| all.select_axis(0, i));
        let causal = x.tape().full([context, context], 1.0).tril(0).greater(0.5);
        let scores = query.matmul(key.t()) * 0.25;
        let attention = causal.where_(scores, scores.full_like(-1e9)).softmax(-1).matmul(value);
        let x = x + mixed.forward(attention.transpose(1, 2).reshape(shape));
        x + narrow.forward(wide.forward(x.layer_norm(-1, None, None, 1e-5)).gelu_tanh())
    }
    let within = |budget: usize| -> Result<(Vec<Tensor>, usize)> {
        let tape = Tape::new();
        let ids = tape.input(&ids);
        let x = remat(|x| blocks.iter().fold(x, block), table.on(&tape).embedding(ids), budget);
        let loss = cross_entropy(head.forward(x).reshape([batch * context, vocabulary]), ids.flatten());
        let params = blocks.iter().flatten().chain([&head]).flat_map(|layer| layer.params().into_values());
        let params: Vec<Var<'_>> = params.chain([table.clone()]).map(|param| param.on(&tape)).collect();
        let mut program = tape.compile(&[], &loss.grads(&params))?;
        Ok((program.run(&[])?, program.footprint().planned))
    };
    let (kept, all) = within(usize::MAX)?;
    let (again, less) = within(all / 4)?;
    println!("{BLOCKS} blocks: {all} bytes planned, within a budget of {} bytes {less}", all / 4);
    for (a, b) in kept.iter().zip(&again) {
        assert!(a.allclose(b, 1e-4, 1e-6)?, "{a}\nand\n{b}");
    }
    assert!(less < all / 2, "{less} planned bytes of {all}");
    Ok(())
}
