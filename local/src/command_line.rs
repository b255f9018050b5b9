//! The command-line arguments of `cargo dev`.

use std::{ffi::OsString, path::PathBuf};

use anteroom_local::providers::Provider;
use lexopt::{Arg, Parser, ValueExt};

/// The text of `cargo dev --help`.
pub(crate) const HELP: &str = "\
Runs Anteroom on this machine.

  cargo dev [--port PORT] [--without PROVIDER]... [--no-build]
      Serves every route of template.yaml, on port 8787 by default (0: any free port).
      Builds the functions, and rebuilds them when their sources change.
  cargo dev invoke FUNCTION [--event FILE] [--without PROVIDER]... [--no-build]
      Sends one event, from a file or from standard input, and prints the response.

  --without PROVIDER  leaves out workos, clerk, livekit or liveblocks, with every function that
                      needs it; may be repeated
  --no-build          runs the functions already built next to this program

Settings come from the environment and from .env. Providers without credentials get a stand-in.
LIVEKIT_IDENTITY (workos or clerk) and LIVEBLOCKS_IDENTITY (clerk or workos) select whose users the
functions for LiveKit and Liveblocks serve: without WorkOS, set LIVEKIT_IDENTITY=clerk.";

/// A parsed command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Print the help text.
    Help,
    /// Serve the project on a port.
    Serve {
        /// 0 means any free port.
        port: u16,
        /// The providers that are left out.
        left_out: Vec<Provider>,
        /// Whether to build the functions.
        build: bool,
    },
    /// Send one event to one function.
    Invoke {
        /// The function's name.
        function: String,
        /// The file with the event, or standard input.
        event: Option<PathBuf>,
        /// The providers that are left out.
        left_out: Vec<Provider>,
        /// Whether to build the functions.
        build: bool,
    },
}

impl Command {
    /// Reads the arguments after the program's name.
    pub(crate) fn parse(
        arguments: impl IntoIterator<Item = OsString>,
    ) -> Result<Self, lexopt::Error> {
        let mut arguments = Parser::from_args(arguments);
        let (mut port, mut event, mut build) = (None, None, true);
        let mut left_out = Vec::new();
        let mut words: Vec<String> = Vec::new();
        while let Some(argument) = arguments.next()? {
            match argument {
                Arg::Short('h') | Arg::Long("help") => return Ok(Self::Help),
                Arg::Short('p') | Arg::Long("port") => port = Some(arguments.value()?.parse()?),
                Arg::Long("event") => event = Some(PathBuf::from(arguments.value()?)),
                Arg::Long("without") => left_out.push(arguments.value()?.parse()?),
                Arg::Long("no-build") => build = false,
                Arg::Value(word) => words.push(word.string()?),
                other => return Err(other.unexpected()),
            }
        }
        match (words.as_slice(), port, event) {
            ([], port, None) => Ok(Self::Serve { port: port.unwrap_or(8787), left_out, build }),
            ([invoke, function], None, event) if invoke == "invoke" => {
                Ok(Self::Invoke { function: function.clone(), event, left_out, build })
            }
            ([invoke], None, _) if invoke == "invoke" => Err("invoke needs a function name".into()),
            _ => Err("these arguments cannot be combined".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, lexopt::Error> {
        Command::parse(line.split_whitespace().map(OsString::from))
    }

    fn serve(port: u16, build: bool) -> Command {
        Command::Serve { port, left_out: vec![], build }
    }

    #[test]
    fn serves_on_port_8787_unless_told_otherwise() {
        assert_eq!(parse("").expect("valid"), serve(8787, true));
        assert_eq!(parse("--port 0").expect("valid"), serve(0, true));
        assert_eq!(parse("--port=8080 --no-build").expect("valid"), serve(8080, false));
    }

    #[test]
    fn invokes_a_function_with_an_event_from_a_file_or_standard_input() {
        let invocation = |event: Option<&str>| Command::Invoke {
            function: "room-auth".to_owned(),
            event: event.map(PathBuf::from),
            left_out: vec![],
            build: true,
        };
        assert_eq!(parse("invoke room-auth").expect("valid"), invocation(None));
        assert_eq!(
            parse("invoke room-auth --event events/room-auth.json").expect("valid"),
            invocation(Some("events/room-auth.json"))
        );
    }

    #[test]
    fn leaves_out_the_providers_that_are_named() {
        let left_out = vec![Provider::WorkOs, Provider::LiveKit];
        let serve = Command::Serve { port: 8787, left_out: left_out.clone(), build: true };
        assert_eq!(parse("--without workos --without=livekit").expect("valid"), serve);
        let invoke = Command::Invoke {
            function: "liveblocks-auth".to_owned(),
            event: None,
            left_out,
            build: true,
        };
        let line = "invoke liveblocks-auth --without workos --without livekit";
        assert_eq!(parse(line).expect("valid"), invoke);
        let error = parse("--without auth0").expect_err("no provider").to_string();
        assert!(error.contains("auth0") && error.contains("workos"), "{error}");
    }

    #[test]
    fn explains_itself_when_asked() {
        assert_eq!(parse("--help").expect("valid"), Command::Help);
        assert_eq!(parse("invoke -h").expect("valid"), Command::Help);
    }

    #[test]
    fn refuses_what_it_does_not_understand() {
        for line in [
            "--port many",
            "--port 70000",
            "--port",
            "invoke",
            "invoke a b",
            "invoke a --port 1",
            "--event f",
            "--without",
            "--without sign-in",
            "room-auth",
            "--fast",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
