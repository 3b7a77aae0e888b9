//! Writes a source file anew with all of its mutants in it, each behind a number: one build, and a number in the environment says
//! which of them is on.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::spanned::Spanned as _;
use syn::visit_mut::{self, VisitMut};
use syn::{BinOp, Expr, Stmt, UnOp, parse_quote};

/// What is called for what a verdict shows beside its reason, and for the order of that: no verdict becomes another without it.
const ONLY_TOLD: [&str; 4] = ["show", "show_all", "prove", "sort_by"];

/// A small change of the source that a test should notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mutant {
    /// its number
    pub id: u32,
    /// file, from the root
    pub file: String,
    /// line in it
    pub line: usize,
    /// what is changed, such as `<` to `<=`
    pub change: String,
}

/// A file with its mutants, numbered from `next` on, which is left at the next free number; those that the compiler refused are
/// left out, and keep their numbers.
pub(super) fn switched(
    source: &str,
    name: &str,
    next: &mut u32,
    refused: &BTreeSet<u32>,
) -> syn::Result<(TokenStream, Vec<Mutant>)> {
    let mut file = syn::parse_file(source)?;
    let mut switch = Switch { name, next: *next, refused, mutants: Vec::new() };
    switch.visit_file_mut(&mut file);
    *next = switch.next;
    Ok((file.into_token_stream(), switch.mutants))
}

struct Switch<'a> {
    name: &'a str,
    next: u32,
    refused: &'a BTreeSet<u32>,
    mutants: Vec<Mutant>,
}

impl Switch<'_> {
    /// The condition under which the next mutant is on; nothing for one that was refused.
    fn mutant(&mut self, line: usize, change: impl Into<String>) -> Option<TokenStream> {
        let id = self.next;
        self.next += 1;
        if self.refused.contains(&id) {
            return None;
        }
        self.mutants.push(Mutant { id, file: self.name.to_owned(), line, change: change.into() });
        Some(quote!(crate::switched::is(#id)))
    }
}

/// What an operator becomes.
fn others(op: &BinOp) -> &'static [(&'static str, &'static str)] {
    match op {
        BinOp::Lt(_) => &[("<", "<="), ("<", ">=")],
        BinOp::Le(_) => &[("<=", "<"), ("<=", ">")],
        BinOp::Gt(_) => &[(">", ">="), (">", "<=")],
        BinOp::Ge(_) => &[(">=", ">"), (">=", "<")],
        BinOp::Eq(_) => &[("==", "!=")],
        BinOp::Ne(_) => &[("!=", "==")],
        BinOp::Add(_) => &[("+", "-")],
        BinOp::Sub(_) => &[("-", "+")],
        BinOp::Mul(_) => &[("*", "/")],
        BinOp::Div(_) => &[("/", "*")],
        _ => &[],
    }
}

fn operator(text: &str) -> BinOp {
    syn::parse_str(text).unwrap_or_else(|_| parse_quote!(==))
}

fn binds(expr: &Expr) -> bool {
    match expr {
        Expr::Let(_) => true,
        Expr::Binary(binary) if matches!(binary.op, BinOp::And(_)) => {
            binds(&binary.left) || binds(&binary.right)
        }
        _ => false,
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|a| a.path().is_ident("cfg") && a.to_token_stream().to_string().contains("test"))
}

impl VisitMut for Switch<'_> {
    // What is computed while compiling has no switches.
    fn visit_item_const_mut(&mut self, _: &mut syn::ItemConst) {}
    fn visit_item_static_mut(&mut self, _: &mut syn::ItemStatic) {}
    fn visit_impl_item_const_mut(&mut self, _: &mut syn::ImplItemConst) {}
    fn visit_trait_item_const_mut(&mut self, _: &mut syn::TraitItemConst) {}
    fn visit_type_mut(&mut self, _: &mut syn::Type) {}
    fn visit_pat_mut(&mut self, _: &mut syn::Pat) {}
    fn visit_expr_repeat_mut(&mut self, _: &mut syn::ExprRepeat) {}
    fn visit_attribute_mut(&mut self, _: &mut syn::Attribute) {}
    fn visit_item_enum_mut(&mut self, _: &mut syn::ItemEnum) {}

    fn visit_item_fn_mut(&mut self, f: &mut syn::ItemFn) {
        if f.sig.constness.is_none() && !is_test(&f.attrs) {
            visit_mut::visit_item_fn_mut(self, f);
        }
    }
    fn visit_impl_item_fn_mut(&mut self, f: &mut syn::ImplItemFn) {
        if f.sig.constness.is_none() {
            visit_mut::visit_impl_item_fn_mut(self, f);
        }
    }
    fn visit_item_mod_mut(&mut self, module: &mut syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit_mut::visit_item_mod_mut(self, module);
        }
    }

    fn visit_stmt_mut(&mut self, stmt: &mut Stmt) {
        let line = stmt.span().start().line;
        visit_mut::visit_stmt_mut(self, stmt);
        if let Stmt::Expr(call @ Expr::MethodCall(_), Some(_)) = stmt {
            let Expr::MethodCall(named) = &*call else { return };
            let name = named.method.to_string();
            if ONLY_TOLD.contains(&name.as_str()) {
                return;
            }
            if let Some(on) = self.mutant(line, format!("without `.{name}(…)`")) {
                *stmt = parse_quote!(if !#on { #call; });
            }
        }
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        let line = expr.span().start().line;
        let lets = binds(expr);
        visit_mut::visit_expr_mut(self, expr);
        let changed: Option<Expr> = match &*expr {
            Expr::Unary(unary) if matches!(unary.op, UnOp::Not(_)) => {
                let inner = &unary.expr;
                self.mutant(line, "without `!`").map(|on| parse_quote!(((!(#inner)) != #on)))
            }
            Expr::Binary(binary) => {
                let (left, op, right) = (&binary.left, &binary.op, &binary.right);
                let line = op.span().start().line;
                match op {
                    BinOp::And(_) if !lets => {
                        let on = self.mutant(line, "`&&` to `||`");
                        Some(
                            parse_quote!({ let __left = #left; if __left != #on { #right } else { __left } }),
                        )
                    }
                    BinOp::Or(_) => {
                        let on = self.mutant(line, "`||` to `&&`");
                        Some(
                            parse_quote!({ let __left = #left; if __left == #on { #right } else { __left } }),
                        )
                    }
                    _ => {
                        let arms: Vec<TokenStream> = others(op)
                            .iter()
                            .filter_map(|(from, to)| {
                                let (on, to_op) =
                                    (self.mutant(line, format!("`{from}` to `{to}`"))?, operator(to));
                                Some(quote!(if #on { left #to_op right } else))
                            })
                            .collect();
                        let compares = others(op).len() > 1 || matches!(op, BinOp::Eq(_) | BinOp::Ne(_));
                        (!arms.is_empty()).then(|| {
                            if compares {
                                parse_quote!(match (&(#left), &(#right)) { (left, right) => #(#arms)* { left #op right } })
                            } else {
                                parse_quote!(match ((#left), (#right)) { (left, right) => #(#arms)* { left #op right } })
                            }
                        })
                    }
                }
            }
            _ => None,
        };
        if let Some(changed) = changed {
            // A `match` or a block at the begin of a statement would end there.
            *expr = parse_quote!((#changed));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn of(source: &str, refused: &[u32]) -> (String, Vec<(u32, String)>) {
        let refused = refused.iter().copied().collect();
        let (tokens, mutants) = switched(source, "a.rs", &mut 10, &refused).expect("Rust");
        (tokens.to_string(), mutants.into_iter().map(|m| (m.id, m.change)).collect())
    }

    #[rstest]
    #[case("fn f() -> bool { a < b }", &["`<` to `<=`", "`<` to `>=`"])]
    #[case("fn f() -> bool { a && b || !c }", &["`&&` to `||`", "without `!`", "`||` to `&&`"])]
    #[case("fn f() { if a && let Some(b) = c && d == e {} }", &["`==` to `!=`"])]
    #[case("fn f() { opinion.fail(x); let y = p + q * r; }", &["without `.fail(…)`", "`*` to `/`", "`+` to `-`"])]
    #[case("fn f() { opinion.show(x); }", &[])]
    #[case("const A: f64 = 1.0 * 2.0; const fn f() -> bool { a < b }", &[])]
    #[case("#[cfg(test)] mod tests { fn f() -> bool { a < b } }", &[])]
    fn what_is_changed(#[case] source: &str, #[case] expected: &[&str]) {
        let found: Vec<String> = of(source, &[]).1.into_iter().map(|(_, change)| change).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_was_refused_keeps_its_number_and_is_left_out() {
        let (text, mutants) = of("fn f() -> bool { a < b }", &[10]);
        assert_eq!(mutants.iter().map(|m| m.0).collect::<Vec<_>>(), [11]);
        assert!(!text.contains("10u32") && text.contains("is (11u32)"), "{text}");
    }
}
