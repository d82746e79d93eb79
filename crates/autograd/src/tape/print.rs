//! A tape as text, one equation a line, and as a graph in DOT.

use std::fmt::{self, Write};

use super::{Eqn, Tape, Var};
use crate::op::Op;

impl fmt::Display for Tape {
    /// `%2: f64[4, 1] = matmul %0 %1    # src/main.rs:7:9`, one line for every equation, beneath a loop those of its body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_eqns(|eqns| {
            let lines: Vec<String> = eqns.iter().enumerate().map(|(i, eqn)| line(i, eqn)).collect();
            let width = lines.iter().map(String::len).max().unwrap_or(0).min(72);
            for (line, eqn) in lines.iter().zip(eqns) {
                writeln!(f, "{line:width$}    # {}", eqn.at)?;
                eqn.op.rule().lines().iter().try_for_each(|line| writeln!(f, "    | {line}"))?;
            }
            Ok(())
        })
    }
}

impl fmt::Debug for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tape of {} equations", self.len())
    }
}

fn line(i: usize, eqn: &Eqn) -> String {
    let mut out = format!("%{i}: {} = {}", eqn.ty, label(&eqn.op));
    for x in &eqn.operands {
        write!(out, " {x}").expect("writing to a String cannot fail");
    }
    out
}

/// The operation's name and, where it has some, its attributes.
fn label(op: &Op) -> String {
    let debug = op.attributes();
    let attributes = debug.find(['{', '(']).map(|at| &debug[at..]).unwrap_or("");
    match attributes {
        "" => op.rule().name().to_string(),
        _ => format!("{} {attributes}", op.rule().name()),
    }
}

impl Tape {
    /// The equations that `vars` need, as a graph in the DOT language: one node an equation, with its
    /// operation, its type and its source line as a tooltip, and an arrow for every operand.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([1.0]));
    /// assert!(tape.to_dot(&[x.exp()]).contains("0 -> 1"));
    /// ```
    pub fn to_dot(&self, vars: &[Var<'_>]) -> String {
        self.with_eqns(|eqns| {
            let mut needed = vec![false; eqns.len()];
            for var in vars.iter().filter(|var| std::ptr::eq(var.tape, self)) {
                if let Some(mark) = needed.get_mut(var.id.index()) {
                    *mark = true;
                }
            }
            for i in (0..eqns.len()).rev() {
                if needed[i] {
                    eqns[i].operands.iter().for_each(|x| needed[x.index()] = true);
                }
            }
            let mut out = String::from("digraph tape {\n  rankdir=TB;\n  node [shape=box, fontname=\"monospace\"];\n");
            for (i, eqn) in eqns.iter().enumerate().filter(|(i, _)| needed[*i]) {
                let style = if eqn.operands.is_empty() { ", style=filled, fillcolor=\"#e8eef7\"" } else { "" };
                let mut text = format!("{}\\n{}", escape(&label(&eqn.op)), eqn.ty);
                for (k, line) in eqn.op.rule().lines().iter().enumerate() {
                    let line = line.split("  #").next().unwrap_or_default().trim_end();
                    text.push_str(if k == 0 { "\\n" } else { "" });
                    text.push_str(&escape(line));
                    text.push_str("\\l");
                }
                let at = escape(&eqn.at.to_string());
                writeln!(out, "  {i} [label=\"{text}\", tooltip=\"{at}\"{style}];").expect("writing to a String");
                for x in &eqn.operands {
                    writeln!(out, "  {} -> {i};", x.index()).expect("writing to a String");
                }
            }
            out.push_str("}\n");
            out
        })
    }
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
