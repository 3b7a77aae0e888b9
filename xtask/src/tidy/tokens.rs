//! What a Rust file names, read from its tokens: comments, strings and documentation are no code here, and
//! the inside of a macro call is. A parser would see less, for it leaves macro bodies alone.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// Something named in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    /// what kind of thing
    pub(crate) kind: Kind,
    /// counted from 1
    pub(crate) line: usize,
    /// whether it stands in code that only tests see
    pub(crate) test: bool,
}

/// The kinds of thing that rules ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A path or a single word, use trees spelled out: `std::fs::read`, `unsafe`, `std::io::*`
    Path(String),
    /// A method called: `exp`
    Method(String),
    /// A macro called: `println`
    Macro(String),
    /// An attribute, those inside `cfg_attr` too
    Attribute {
        /// such as `allow`
        name: String,
        /// whether it carries `reason = …`
        reason: bool,
    },
}

/// All that a file names.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// in the order of the file
    pub(crate) named: Vec<Named>,
    /// modules in files of their own that only tests see
    pub(crate) test_modules: Vec<String>,
}

/// Words that a path may follow, but that are no part of one: `use ::std::fs`, `in ::std::env::args()`.
const KEYWORDS: &[&str] = &[
    "as", "async", "await", "break", "const", "dyn", "else", "extern", "for", "if", "impl", "in", "let",
    "loop", "match", "move", "mut", "pub", "ref", "return", "static", "type", "unsafe", "use", "where",
    "while", "yield",
];

/// Reads a file's text; the error is the line at which it is no Rust.
pub(crate) fn read(text: &str) -> Result<Contents, usize> {
    let stream: TokenStream = text
        .trim_start_matches('\u{feff}')
        .parse()
        .map_err(|error: proc_macro2::LexError| error.span().start().line)?;
    let mut contents = Contents::default();
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    contents.walk(&tokens, "", false);
    Ok(contents)
}

impl Contents {
    /// Takes tokens of one level in; `prefix` is the path before a group of a use tree.
    fn walk(&mut self, tokens: &[TokenTree], prefix: &str, mut test: bool) {
        let mut at = 0;
        while at < tokens.len() {
            if let Some((group, inner)) = attribute(tokens, at) {
                self.attribute(&trees(group), test);
                at += if inner { 3 } else { 2 };
                if !hides_from_builds(&trees(group)) {
                    continue;
                }
                if inner {
                    test = true;
                } else if !test {
                    let end = item_end(tokens, at);
                    let item = &tokens[at..end];
                    self.test_modules.extend(module_in_a_file(item));
                    self.walk(item, prefix, true);
                    at = end;
                }
                continue;
            }
            match &tokens[at] {
                TokenTree::Ident(_) if is_method(tokens, at) => {
                    self.name(Kind::Method(tokens[at].to_string()), &tokens[at], test);
                    at += 1;
                }
                TokenTree::Ident(_) => at = self.path(tokens, at, prefix, test),
                TokenTree::Group(group) => {
                    self.walk(&trees(group), prefix, test);
                    at += 1;
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => at += 1,
            }
        }
    }

    /// Takes in the path that begins at `at`; the index after it.
    fn path(&mut self, tokens: &[TokenTree], mut at: usize, prefix: &str, test: bool) -> usize {
        let start = &tokens[at];
        let first = start.to_string();
        at += 1;
        if KEYWORDS.contains(&first.as_str()) {
            self.name(Kind::Path(first), start, test);
            return at;
        }
        let mut path = join(prefix, &first);
        while is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':') {
            match tokens.get(at + 2) {
                Some(TokenTree::Ident(segment)) => path = join(&path, &segment.to_string()),
                Some(TokenTree::Punct(star)) if star.as_char() == '*' => path = join(&path, "*"),
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    self.walk(&trees(group), &path, test);
                    return at + 3;
                }
                _ => break,
            }
            at += 3;
        }
        let called = is_punct(tokens.get(at), '!')
            && matches!(tokens.get(at + 1), Some(TokenTree::Group(_) | TokenTree::Ident(_)));
        let kind = if called {
            Kind::Macro(path.rsplit("::").next().unwrap_or(&path).to_owned())
        } else {
            Kind::Path(path)
        };
        self.name(kind, start, test);
        at
    }

    /// Takes in one thing, at the line of its first token.
    fn name(&mut self, kind: Kind, at: &TokenTree, test: bool) {
        self.named.push(Named { kind, line: at.span().start().line, test });
    }

    /// Takes in an attribute, from the tokens between its brackets.
    fn attribute(&mut self, tokens: &[TokenTree], test: bool) {
        let Some(TokenTree::Ident(first)) = tokens.first() else { return };
        let arguments = tokens.iter().find_map(|token| match token {
            TokenTree::Group(group) => Some(trees(group)),
            _ => None,
        });
        let arguments = arguments.unwrap_or_default();
        if first == "cfg_attr" {
            for part in arguments.split(|token| is_punct(Some(token), ',')).skip(1) {
                self.attribute(part, test);
            }
        }
        let reason =
            arguments.windows(2).any(|pair| is_word(&pair[0], "reason") && is_punct(Some(&pair[1]), '='));
        self.name(Kind::Attribute { name: first.to_string(), reason }, &tokens[0], test);
    }
}

fn trees(group: &Group) -> Vec<TokenTree> {
    group.stream().into_iter().collect()
}

fn join(prefix: &str, segment: &str) -> String {
    if prefix.is_empty() { segment.to_owned() } else { format!("{prefix}::{segment}") }
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

fn is_word(token: &TokenTree, wanted: &str) -> bool {
    matches!(token, TokenTree::Ident(word) if word == wanted)
}

/// Whether the word at `at` is a method that is called: after one dot, before its arguments.
fn is_method(tokens: &[TokenTree], at: usize) -> bool {
    let dots = (1..=2).take_while(|&back| at >= back && is_punct(tokens.get(at - back), '.')).count();
    let arguments = |token: &TokenTree| matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis);
    dots == 1 && tokens.get(at + 1).is_some_and(arguments)
}

/// The attribute that begins at `at`, and whether it is an inner one (`#![…]`).
fn attribute(tokens: &[TokenTree], at: usize) -> Option<(&Group, bool)> {
    if !is_punct(tokens.get(at), '#') {
        return None;
    }
    let inner = is_punct(tokens.get(at + 1), '!');
    match tokens.get(at + 1 + usize::from(inner)) {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket => Some((group, inner)),
        _ => None,
    }
}

/// Whether an attribute keeps its item out of every build but a test: `test`, `rstest`, `cfg(test)`.
/// `cfg(not(test))` does not, nor does `cfg(any(test, …))`, which some build may well have.
fn hides_from_builds(attribute: &[TokenTree]) -> bool {
    let Some(TokenTree::Ident(name)) = attribute.first() else { return false };
    if name == "test" || name == "rstest" {
        return true;
    }
    let Some(TokenTree::Group(condition)) = attribute.get(1) else { return false };
    name == "cfg" && demands_test(&trees(condition))
}

fn demands_test(condition: &[TokenTree]) -> bool {
    condition.split(|token| is_punct(Some(token), ',')).any(|part| match part {
        [word] => is_word(word, "test"),
        [all, TokenTree::Group(group)] if is_word(all, "all") => demands_test(&trees(group)),
        _ => false,
    })
}

/// Where the item that begins at `at` ends: after its `;` or its body.
fn item_end(tokens: &[TokenTree], at: usize) -> usize {
    let words = tokens[at..].iter().filter_map(|token| match token {
        TokenTree::Ident(word) => Some(word.to_string()),
        _ => None,
    });
    let mut words = words.skip_while(|word| word == "pub");
    let first = words.next().unwrap_or_default();
    let value = matches!(first.as_str(), "use" | "static" | "type" | "let")
        || first == "const" && words.next().is_none_or(|next| !matches!(&*next, "fn" | "unsafe" | "extern"));
    let end = tokens[at..].iter().position(|token| match token {
        TokenTree::Punct(punct) => punct.as_char() == ';',
        TokenTree::Group(group) => !value && group.delimiter() == Delimiter::Brace,
        _ => false,
    });
    end.map_or(tokens.len(), |end| at + end + 1)
}

/// `mod name;`, with whatever attributes and visibility before it.
fn module_in_a_file(item: &[TokenTree]) -> Option<String> {
    match item {
        [.., keyword, TokenTree::Ident(name), end] if is_word(keyword, "mod") && is_punct(Some(end), ';') => {
            Some(name.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn paths(text: &str, test: bool) -> Vec<String> {
        let contents = read(text).expect("Rust");
        let named = contents.named.into_iter().filter(|named| named.test == test);
        named.filter_map(|n| if let Kind::Path(path) = n.kind { Some(path) } else { None }).collect()
    }

    #[rstest]
    #[case("use std::fs;", &["use", "std::fs"])]
    #[case("use ::std::fs;", &["use", "std::fs"])]
    #[case("use std::{fs, io::{self, Read}};", &["use", "std::fs", "std::io::self", "std::io::Read"])]
    #[case("use std::io::*;", &["use", "std::io::*"])]
    #[case("f(std::env::var(X))", &["f", "std::env::var", "X"])]
    #[case("m! { a::b }", &["a::b"])]
    #[case("collect::<Vec<x::Y>>()", &["collect", "Vec", "x::Y"])]
    #[case("// std::fs\n/* std::fs */ /// std::fs\n//! std::fs\n a", &["a"])]
    #[case("\"std::fs\" r#\"std::fs\"# a", &["a"])]
    fn paths_are_read_from_code_alone(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(paths(text, false), expected);
    }

    #[rstest]
    #[case("#[cfg(test)] mod tests { T } P", "T", "P")]
    #[case("#[cfg(all(test, unix))] mod tests { T } P", "T", "P")]
    #[case("#[cfg(test)] use a::{T}; P", "a::T", "P")]
    #[case("#[cfg(test)] pub(crate) const X: [u8; 2] = { T }; P", "T", "P")]
    #[case("#[cfg(test)] #[must_use] fn x() -> T {} P", "T", "P")]
    #[case("#[test] fn x() { T } P", "T", "P")]
    #[case("#[rstest] #[case(1)] fn x() { T } P", "T", "P")]
    #[case("mod tests { #![cfg(test)] T } P", "T", "P")]
    fn what_only_tests_see_is_told_apart(#[case] text: &str, #[case] test: &str, #[case] built: &str) {
        let (seen_by_test, seen) = (paths(text, true), paths(text, false));
        assert!(seen_by_test.iter().any(|p| p == test) && !seen.iter().any(|p| p == test), "{text}");
        assert!(seen.iter().any(|p| p == built) && !seen_by_test.iter().any(|p| p == built), "{text}");
    }

    #[rstest]
    #[case("#[cfg(not(test))] fn x() { P }")]
    #[case("#[cfg(any(test, feature = \"x\"))] fn x() { P }")]
    #[case("#[cfg(feature = \"test\")] fn x() { P }")]
    #[case("#[tested] fn x() { P }")]
    fn what_a_build_may_hold_is_no_test(#[case] text: &str) {
        assert!(paths(text, false).iter().any(|p| p == "P"), "{text}");
    }

    #[test]
    fn macros_are_told_from_comparisons() {
        let contents = read("println!(\"\"); a != b; std::print! {}").expect("Rust");
        let macros = contents.named.iter().filter_map(|n| match &n.kind {
            Kind::Macro(name) => Some(name.as_str()),
            _ => None,
        });
        assert_eq!(macros.collect::<Vec<_>>(), ["println", "print"]);
    }

    #[test]
    fn methods_are_told_from_ranges_and_fields() {
        let contents = read("x.exp(); 0..ln(y); x.sin; (a.b).cos(1)").expect("Rust");
        let methods = contents.named.iter().filter_map(|n| match &n.kind {
            Kind::Method(name) => Some(name.as_str()),
            _ => None,
        });
        assert_eq!(methods.collect::<Vec<_>>(), ["exp", "cos"]);
    }

    #[test]
    fn attributes_and_their_reasons() {
        let text = "#![allow(a)]\n#[expect(b, reason = \"c\")]\n#[cfg_attr(x, allow(d))] fn f() {}";
        let contents = read(text).expect("Rust");
        let found: Vec<_> = contents
            .named
            .iter()
            .filter_map(|n| match &n.kind {
                Kind::Attribute { name, reason } => Some((n.line, name.as_str(), *reason)),
                _ => None,
            })
            .collect();
        assert_eq!(
            found,
            [(1, "allow", false), (2, "expect", true), (3, "allow", false), (3, "cfg_attr", false)]
        );
    }

    #[test]
    fn test_modules_in_files_of_their_own() {
        let contents = read("mod a; #[cfg(test)] pub mod b; #[cfg(test)] mod c { mod d; }").expect("Rust");
        assert_eq!(contents.test_modules, ["b"]);
    }

    #[test]
    fn no_rust_says_where() {
        assert_eq!(read("fn a() {\n  \"open").expect_err("no Rust"), 2);
    }
}
