//! Rust source as a list of words and signs, without comments and without what stands in quotes.

/// A word, a `::`, or any other sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(String),
    PathSeparator,
    Sign(char),
}

impl Token {
    pub(super) fn is_sign(&self, sign: char) -> bool {
        *self == Self::Sign(sign)
    }
}

pub(super) fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&first) = chars.get(at) {
        let next = chars.get(at + 1).copied();
        at = match (first, next) {
            ('/', Some('/')) => line_end(&chars, at),
            ('/', Some('*')) => comment_end(&chars, at),
            ('"', _) => string_end(&chars, at),
            ('\'', _) => quote_end(&chars, at),
            (':', Some(':')) => {
                tokens.push(Token::PathSeparator);
                at + 2
            }
            (word, _) if is_word(word) => {
                let end = (at..chars.len()).find(|at| !is_word(chars[*at])).unwrap_or(chars.len());
                if let Some(end) = raw_string_end(&chars, at, end) {
                    end
                } else {
                    tokens.push(Token::Word(chars[at..end].iter().collect()));
                    end
                }
            }
            (sign, _) => {
                if !sign.is_whitespace() {
                    tokens.push(Token::Sign(sign));
                }
                at + 1
            }
        };
    }
    tokens
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

fn line_end(chars: &[char], from: usize) -> usize {
    (from..chars.len()).find(|at| chars[*at] == '\n').unwrap_or(chars.len())
}

/// Comments may stand in comments.
fn comment_end(chars: &[char], from: usize) -> usize {
    let (mut at, mut depth) = (from, 0);
    while at + 1 < chars.len() {
        match (chars[at], chars[at + 1]) {
            ('/', '*') => {
                depth += 1;
                at += 2;
            }
            ('*', '/') => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    chars.len()
}

fn string_end(chars: &[char], from: usize) -> usize {
    let mut at = from + 1;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// The end of `r"…"`, `br#"…"#` and the like, if the word from `from` to `end` begins one. Other
/// strings with a letter before them end as all strings do.
fn raw_string_end(chars: &[char], from: usize, end: usize) -> Option<usize> {
    let word: String = chars[from..end].iter().collect();
    if word != "r" && word != "br" && word != "cr" {
        return None;
    }
    let quote = (end..chars.len()).find(|at| chars[*at] != '#')?;
    if chars[quote] != '"' {
        return None;
    }
    let hashes = quote - end;
    let closes = |at: &usize| {
        chars[*at] == '"'
            && chars[at + 1..].iter().take_while(|char| **char == '#').count() >= hashes
    };
    Some((quote + 1..chars.len()).find(closes).map_or(chars.len(), |at| at + 1 + hashes))
}

/// The end of a character such as `'a'`, or of the quote alone that begins a lifetime.
fn quote_end(chars: &[char], from: usize) -> usize {
    if chars.get(from + 1) == Some(&'\\') {
        let end = (from + 3..chars.len()).find(|at| chars[*at] == '\'');
        return end.map_or(chars.len(), |at| at + 1);
    }
    if chars.get(from + 2) == Some(&'\'') { from + 3 } else { from + 1 }
}
