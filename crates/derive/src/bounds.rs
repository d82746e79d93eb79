//! Which type parameters must be modules: those that visited fields mention.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Generics, Ident, Type, parse_quote};

/// `generics` with `T: Module` for every type parameter that one of `types` mentions, and, because a
/// skipped field may hold anything, `Self: Send + Sync`, which every module is.
pub fn with_modules<'a>(mut generics: Generics, types: impl Iterator<Item = &'a Type>) -> Generics {
    let types: TokenStream = types.map(ToTokens::to_token_stream).collect();
    let mut generic = false;
    for param in generics.type_params_mut() {
        generic = true;
        if mentions(types.clone(), &param.ident) {
            param.bounds.push(parse_quote!(::wengert::Module));
        }
    }
    if generic {
        generics.make_where_clause().predicates.push(parse_quote!(Self: Send + Sync));
    }
    generics
}

fn mentions(tokens: TokenStream, ident: &Ident) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(other) => other == *ident,
        TokenTree::Group(group) => mentions(group.stream(), ident),
        _ => false,
    })
}
