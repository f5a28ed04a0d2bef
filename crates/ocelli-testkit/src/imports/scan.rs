//! What a file says of modules: which it has, which paths it uses and which it re-exports.

use super::tokens::{Token, tokens};
use std::collections::{BTreeMap, BTreeSet};

/// A path that is used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct UsedPath {
    /// Its names, beginning with `crate`, `self`, `super` or whatever else.
    pub(super) names: Vec<String>,
    /// Whether all items of a module are meant.
    pub(super) is_glob: bool,
}

/// What was found in a file, code for tests left out.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Modules with files of their own.
    pub(super) children: BTreeSet<String>,
    /// The paths of imports, and those in code, whose first name is replaced by what was imported.
    pub(super) paths: BTreeSet<UsedPath>,
    /// What is re-exported, under which name.
    pub(super) exported: BTreeMap<String, Vec<String>>,
}

pub(super) fn scan(text: &str) -> Scan {
    let mut scanner = Scanner { tokens: tokens(text), ..Scanner::default() };
    scanner.run();
    scanner.finish()
}

#[derive(Default)]
struct Scanner {
    tokens: Vec<Token>,
    at: usize,
    /// For each open brace, whether a module within the file begins there.
    braces: Vec<bool>,
    found: Scan,
    imported: BTreeMap<String, Vec<String>>,
    in_code: Vec<Vec<String>>,
}

impl Scanner {
    fn run(&mut self) {
        let mut is_public = false;
        while let Some(token) = self.tokens.get(self.at).cloned() {
            match token {
                Token::Sign('#') if self.is_test_attribute() => self.skip_item(),
                Token::Sign('{') => self.open(false),
                Token::Sign('}') => {
                    self.braces.pop();
                    self.at += 1;
                }
                Token::Word(word) => match word.as_str() {
                    "pub" => {
                        is_public = true;
                        self.at += 1;
                        self.skip_visibility();
                        continue;
                    }
                    "use" => self.import(is_public),
                    "mod" => self.module(),
                    _ => self.path(),
                },
                _ => self.at += 1,
            }
            is_public = false;
        }
    }

    fn finish(mut self) -> Scan {
        for path in self.in_code {
            let whole = match self.imported.get(&path[0]) {
                Some(imported) => [imported.as_slice(), &path[1..]].concat(),
                None => path,
            };
            self.found.paths.insert(UsedPath { names: whole, is_glob: false });
        }
        self.found
    }

    fn open(&mut self, is_module: bool) {
        self.braces.push(is_module);
        self.at += 1;
    }

    fn is(&self, ahead: usize, sign: char) -> bool {
        self.tokens.get(self.at + ahead).is_some_and(|token| token.is_sign(sign))
    }

    fn word(&self, ahead: usize) -> Option<&str> {
        match self.tokens.get(self.at + ahead) {
            Some(Token::Word(word)) => Some(word),
            _ => None,
        }
    }

    fn is_test_attribute(&self) -> bool {
        let words = (self.word(2), self.word(4));
        let signs = self.is(1, '[') && self.is(3, '(') && self.is(5, ')') && self.is(6, ']');
        signs && words == (Some("cfg"), Some("test"))
    }

    /// Goes on after an attribute and all that belongs to the item under it.
    fn skip_item(&mut self) {
        let mut depth = 0_usize;
        while let Some(token) = self.tokens.get(self.at) {
            self.at += 1;
            match token {
                Token::Sign('(' | '[' | '{') => depth += 1,
                Token::Sign(')' | ']') => depth = depth.saturating_sub(1),
                Token::Sign('}') => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return;
                    }
                }
                Token::Sign(';') if depth == 0 => return,
                _ => {}
            }
        }
    }

    /// Goes on after `(crate)` or `(in some::path)`.
    fn skip_visibility(&mut self) {
        let restricts = matches!(self.word(1), Some("crate" | "super" | "self" | "in"));
        if self.is(0, '(') && restricts {
            while !self.is(0, ')') && self.at < self.tokens.len() {
                self.at += 1;
            }
            self.at += 1;
        }
    }

    fn module(&mut self) {
        let name = self.word(1).map(str::to_owned);
        match name {
            Some(name) if self.is(2, ';') => {
                self.found.children.insert(name);
                self.at += 3;
            }
            Some(_) if self.is(2, '{') => {
                self.at += 2;
                self.open(true);
            }
            _ => self.at += 1,
        }
    }

    fn import(&mut self, is_public: bool) {
        self.at += 1;
        let end = (self.at..self.tokens.len()).find(|at| self.tokens[*at].is_sign(';'));
        let end = end.unwrap_or(self.tokens.len());
        let mut leaves = Vec::new();
        let mut tree = &self.tokens[self.at..end];
        leaves_of(&mut tree, &[], &mut leaves);
        self.at = end + 1;
        for Leaf { names, alias, is_glob } in leaves {
            let names = self.outside_modules(names);
            if is_public && !is_glob {
                self.found.exported.insert(alias, names);
            } else {
                if !is_glob {
                    self.imported.insert(alias, names.clone());
                }
                self.found.paths.insert(UsedPath { names, is_glob });
            }
        }
    }

    /// A word of code with the names that `::` joins to it.
    fn path(&mut self) {
        let mut names = Vec::new();
        while let Some(word) = self.word(0) {
            names.push(word.to_owned());
            self.at += 1;
            if self.tokens.get(self.at) != Some(&Token::PathSeparator) {
                break;
            }
            self.at += 1;
        }
        if names.len() > 1 {
            let names = self.outside_modules(names);
            self.in_code.push(names);
        }
    }

    /// A path as it would be outside of modules within the file.
    fn outside_modules(&self, names: Vec<String>) -> Vec<String> {
        let depth = self.braces.iter().filter(|is_module| **is_module).count();
        let ups = names.iter().take_while(|name| *name == "super").count();
        if depth == 0 || ups == 0 {
            return names;
        }
        let outer = names[ups.min(depth)..].to_vec();
        if ups > depth { outer } else { [vec!["self".to_owned()], outer].concat() }
    }
}

/// A single import of a tree of them.
struct Leaf {
    names: Vec<String>,
    alias: String,
    is_glob: bool,
}

/// Reads one tree, up to the comma or brace after it.
fn leaves_of(tree: &mut &[Token], prefix: &[String], leaves: &mut Vec<Leaf>) {
    let mut names = prefix.to_vec();
    let mut alias = None;
    let mut is_glob = false;
    while let Some((token, rest)) = tree.split_first() {
        match token {
            Token::Sign(',' | '}') => break,
            Token::Sign('{') => {
                *tree = rest;
                while tree.first().is_some_and(|token| !token.is_sign('}')) {
                    leaves_of(tree, &names, leaves);
                    if tree.first().is_some_and(|token| token.is_sign(',')) {
                        *tree = &tree[1..];
                    }
                }
                *tree = tree.get(1..).unwrap_or_default();
                return;
            }
            Token::Sign('*') => is_glob = true,
            Token::Word(word) if word == "as" => {
                if let Some(Token::Word(name)) = rest.first() {
                    alias = Some(name.clone());
                }
                *tree = rest.get(1..).unwrap_or_default();
                continue;
            }
            Token::Word(word) => names.push(word.clone()),
            _ => {}
        }
        *tree = rest;
    }
    if names.len() > 1 && names.last().is_some_and(|name| name == "self") {
        names.pop();
    }
    if let Some(last) = names.last() {
        let alias = alias.unwrap_or_else(|| last.clone());
        leaves.push(Leaf { names, alias, is_glob });
    }
}
