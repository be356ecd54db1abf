// SPDX-License-Identifier: GPL-2.0

//! The attributes of `pin_init`, as far as they matter where nothing is pinned for real.

use proc_macro::{
    Delimiter,
    Group,
    TokenStream,
    TokenTree, //
};

/// Leaves out each `#[pin]`.
#[proc_macro_attribute]
pub fn pin_data(_: TokenStream, item: TokenStream) -> TokenStream {
    let mut out = TokenStream::new();
    let mut tokens = item.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let pin = matches!(&token, TokenTree::Punct(sign) if sign.as_char() == '#')
            && matches!(tokens.peek(), Some(next) if next.to_string() == "[pin]");
        if pin {
            tokens.next();
            continue;
        }
        out.extend([match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                let inside = pin_data(TokenStream::new(), group.stream());
                TokenTree::from(Group::new(Delimiter::Brace, inside))
            }
            other => other,
        }]);
    }
    out
}

/// Adds the `Drop` that calls the `PinnedDrop`.
#[proc_macro_attribute]
pub fn pinned_drop(_: TokenStream, item: TokenStream) -> TokenStream {
    let name = item
        .clone()
        .into_iter()
        .skip_while(|token| token.to_string() != "for")
        .nth(1)
        .expect("impl PinnedDrop for NAME");
    let drop = format!(
        "impl Drop for {name} {{
            fn drop(&mut self) {{
                // SAFETY: It is being dropped, and does not move until then.
                PinnedDrop::drop(unsafe {{ ::core::pin::Pin::new_unchecked(self) }})
            }}
        }}"
    );
    let mut out = item;
    out.extend(drop.parse::<TokenStream>().expect("it is Rust"));
    out
}

/// The tests that run in the kernel do not run here.
#[proc_macro_attribute]
pub fn kunit_tests(_: TokenStream, _: TokenStream) -> TokenStream {
    TokenStream::new()
}
