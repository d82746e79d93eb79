//! The fields of a struct or of a variant, as one arm of a `match`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Error, Field, Fields, Ident, Member, Result, Type, Variant};

/// A struct or variant with the fields of it that are visited.
pub struct Pattern<'a> {
    path: TokenStream,
    visited: Vec<Visited<'a>>,
}

struct Visited<'a> {
    member: Member,
    binding: Ident,
    ty: &'a Type,
    /// Whether the field adds no name of its own.
    transparent: bool,
}

impl<'a> Pattern<'a> {
    pub fn of_variant(variant: &'a Variant) -> Result<Self> {
        let Variant { ident, fields, attrs, .. } = variant;
        without_attribute(attrs)?;
        Self::of_fields(quote!(Self::#ident), fields)
    }

    pub fn of_fields(path: TokenStream, fields: &'a Fields) -> Result<Self> {
        let transparent = matches!(fields, Fields::Unnamed(_)) && fields.len() == 1;
        let mut visited = Vec::new();
        for (field, member) in fields.iter().zip(fields.members()) {
            if !is_skipped(field)? {
                let binding = format_ident!("field_{}", visited.len());
                visited.push(Visited { member, binding, ty: &field.ty, transparent });
            }
        }
        Ok(Self { path, visited })
    }

    pub fn types(&self) -> impl Iterator<Item = &'a Type> {
        self.visited.iter().map(|field| field.ty)
    }

    pub fn arm(&self) -> TokenStream {
        let Self { path, visited } = self;
        let members = visited.iter().map(|field| &field.member);
        let bindings = visited.iter().map(|field| &field.binding);
        let visits = visited.iter().map(Visited::visit);
        quote!(#path { #(#members: #bindings,)* .. } => { #(#visits)* })
    }
}

impl Visited<'_> {
    /// Spanned by the type, so that the compiler's "is not a module" points at it.
    fn visit(&self) -> TokenStream {
        let binding = &self.binding;
        if self.transparent {
            return quote_spanned!(self.ty.span()=> ::wengert::Module::visit(#binding, visitor););
        }
        let name = match &self.member {
            Member::Named(ident) => ident.to_string().trim_start_matches("r#").to_string(),
            Member::Unnamed(index) => index.index.to_string(),
        };
        quote_spanned!(self.ty.span()=> ::wengert::Visitor::child(visitor, #name, #binding);)
    }
}

/// Refuses `#[module(...)]` where it would mean nothing.
pub fn without_attribute(attrs: &[Attribute]) -> Result<()> {
    match attrs.iter().find(|attr| attr.path().is_ident("module")) {
        Some(attr) => Err(Error::new_spanned(attr, "`#[module(skip)]` belongs to a field")),
        None => Ok(()),
    }
}

fn is_skipped(field: &Field) -> Result<bool> {
    let mut skip = false;
    for attr in field.attrs.iter().filter(|attr| attr.path().is_ident("module")) {
        attr.parse_nested_meta(|meta| match meta.path.is_ident("skip") {
            true => {
                skip = true;
                Ok(())
            }
            false => Err(meta.error("the only attribute of a field is `#[module(skip)]`")),
        })?;
    }
    Ok(skip)
}
