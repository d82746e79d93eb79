//! A long short-term memory, unrolled on the tape by an ordinary loop.

use wengert::prelude::*;

use super::derivative::value_and_gradients;
use crate::data::normals;
use crate::measure::Course;

const BATCH: usize = 32;
const STEPS: usize = 64;
const INPUT: usize = 64;
const HIDDEN: usize = 128;

/// The mean square of the last hidden state, and its gradients by all weights.
pub fn lstm(course: &Course) -> Result<()> {
    let x = normals(360, [BATCH, STEPS, INPUT], 1.0, DType::F32)?;
    let weight = |stream, shape: &[usize]| normals(stream, shape, 0.08, DType::F32);
    let (w_input, w_hidden) = (weight(361, &[4 * HIDDEN, INPUT])?, weight(362, &[4 * HIDDEN, HIDDEN])?);
    let (b_input, b_hidden) = (weight(363, &[4 * HIDDEN])?, weight(364, &[4 * HIDDEN])?);

    let names = ["g_weight_ih_l0", "g_weight_hh_l0", "g_bias_ih_l0", "g_bias_hh_l0"];
    let weights = [&w_input, &w_hidden, &b_input, &b_hidden];
    value_and_gradients(course, weights, names, |[w_input, w_hidden, b_input, b_hidden]| {
        let tape = w_input.tape();
        // What the inputs contribute to the gates does not depend on the state: one product for all steps.
        let from_inputs = tape.input(&x).matmul(w_input.t()) + (b_input + b_hidden);
        let mut hidden = tape.full([BATCH, HIDDEN], 0.0_f32);
        let mut cell = hidden;
        for step in 0..STEPS {
            let gates = from_inputs.select_axis(1, step as isize) + hidden.matmul(w_hidden.t());
            let gate = |i: usize| gates.narrow(1, i * HIDDEN, HIDDEN);
            let (take, keep, new, show) = (gate(0).sigmoid(), gate(1).sigmoid(), gate(2).tanh(), gate(3).sigmoid());
            cell = keep * cell + take * new;
            hidden = show * cell.tanh();
        }
        (hidden * hidden).mean()
    })
}
