//! `#[derive(Module)]`: a model is a plain struct, and its fields name its parameters.
//!
//! The generated code visits the fields in the order they are written and calls nothing but
//! `wengert::Visitor::child`. It names the crate `wengert`; a crate that depends on `wengert-nn` alone writes
//! `extern crate wengert_nn as wengert;` at its root.

#![forbid(unsafe_code)]

mod bounds;
mod fields;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Result, parse_macro_input};

use fields::Pattern;

/// Derives `Module` for a struct or an enum whose fields are modules.
///
/// A field is visited under its own name, a field of a tuple under its number; a tuple of one field is
/// transparent: it adds no name, and neither do the variants of an enum. Every field must be a module
/// (parameters, modules, vectors, arrays, options and boxes of them; plain numbers, strings and the like
/// count as modules without parameters) or be marked `#[module(skip)]`. Type parameters that visited
/// fields mention must be modules.
///
/// ```text
/// #[derive(Module)]
/// struct Autoencoder<D> {
///     encoder: Vec<Linear>,      // encoder.0.weight, encoder.0.bias, encoder.1.weight, ...
///     decoder: D,                // decoder. ...
///     scale: f64,                // no parameters
///     #[module(skip)]
///     mean: Tensor,              // not a module
/// }
/// ```
#[proc_macro_derive(Module, attributes(module))]
pub fn derive_module(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(input).unwrap_or_else(Error::into_compile_error).into()
}

fn expand(input: DeriveInput) -> Result<TokenStream> {
    let DeriveInput { ident: name, generics, data, attrs, .. } = input;
    fields::without_attribute(&attrs)?;
    let patterns = match &data {
        Data::Struct(data) => vec![Pattern::of_fields(quote!(Self), &data.fields)?],
        Data::Enum(data) => data.variants.iter().map(Pattern::of_variant).collect::<Result<_>>()?,
        Data::Union(data) => {
            return Err(Error::new(data.union_token.span, "a union cannot be a module: which field would count?"));
        }
    };
    // A value of an enum without variants does not exist, and a reference to one still needs an arm.
    let body = match patterns.is_empty() {
        true => quote!(match *self {}),
        false => {
            let arms = patterns.iter().map(Pattern::arm);
            quote!(match self { #(#arms)* })
        }
    };
    let generics = bounds::with_modules(generics, patterns.iter().flat_map(Pattern::types));
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #impl_generics ::wengert::Module for #name #type_generics #where_clause {
            #[allow(unused_variables)]
            fn visit(&self, visitor: &mut ::wengert::Visitor) {
                #body
            }
        }
    })
}
