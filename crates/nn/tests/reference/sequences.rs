//! What PyTorch computes for sequence layers, and the inputs and parameters it got: see `sequences.py`.

use wengert_autograd::{Tape, Var};
use wengert_nn::{Module, Param};
use wengert_tensor::{DType, Result, Tensor};

use crate::reference::Case;

/// Exact numbers between -0.8 and 0.8.
pub fn pattern(t: usize, shape: &[usize]) -> Tensor {
    let value = |i: usize| (((37 * i + 17 * t) % 101) as f64 - 50.0) / 64.0;
    Tensor::from_vec((0..shape.iter().product()).map(value).collect(), shape).expect("a pattern")
}

/// PyTorch's weight of a dense layer is ours transposed.
fn is_dense(name: &str) -> bool {
    ["out_proj.weight", "linear1.weight", "linear2.weight"].iter().any(|end| name.ends_with(end))
}

fn as_pytorch(name: &str, tensor: Tensor) -> Tensor {
    if is_dense(name) { tensor.t() } else { tensor }
}

/// The parameters in the order of their names, in f64, with the values that PyTorch's had.
fn filled(module: &impl Module) -> Result<Vec<(String, Param)>> {
    module.to(DType::F64)?;
    let mut params: Vec<_> = module.params().into_iter().collect();
    params.sort_by(|a, b| a.0.cmp(&b.0));
    for (t, (name, param)) in params.iter().enumerate() {
        let shape = as_pytorch(name, param.value()).shape().to_vec();
        param.set(as_pytorch(name, pattern(t, &shape)))?;
    }
    Ok(params)
}

fn weighted(v: Var<'_>, t: usize) -> Var<'_> {
    (v * v.tape().input(&pattern(t, &v.shape()))).sum()
}

/// Compares the output, states and all gradients of a case of a file with PyTorch's.
pub fn check<M: Module>(
    file: &'static str,
    name: &'static str,
    module: &M,
    inputs: &[Tensor],
    run: impl for<'t> Fn(&M, &[Var<'t>]) -> (Var<'t>, Vec<Var<'t>>),
) -> Result<()> {
    let case = Case::of(file, name);
    let params = filled(module)?;
    let tape = Tape::new();
    let x: Vec<Var> = inputs.iter().map(|x| tape.input(x)).collect();
    let (output, states) = run(module, &x);
    let loss = states.iter().enumerate().fold(weighted(output, 90), |loss, (i, s)| loss + weighted(*s, 91 + i));

    let mut found = vec![("output".to_string(), output)];
    found.extend(states.iter().enumerate().map(|(i, s)| (format!("state.{i}"), *s)));
    let wanted: Vec<Var> = x.iter().copied().chain(params.iter().map(|(_, p)| p.on(&tape))).collect();
    let names = (0..x.len()).map(|i| format!("grad.input.{i}")).chain(params.iter().map(|(p, _)| format!("grad.{p}")));
    found.extend(names.zip(loss.grads(&wanted)));
    assert_eq!(found.len(), case.all("").len(), "{name}: as many as there are");
    let values = tape.evaluate(&found.iter().map(|(_, v)| *v).collect::<Vec<_>>())?;
    found.iter().zip(values).for_each(|((key, _), value)| case.assert(key, &as_pytorch(key, value)));
    Ok(())
}
