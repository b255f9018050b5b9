// Every flow, in the order of the navigation. To add one, write a module with `id`, `group`, `title`, `about`,
// `functions` (what it needs to be served) and `render`, and name it here.

import call from "./call.js";
import callback from "./callback.js";
import code from "./code.js";
import cursors from "./cursors.js";
import developer from "./developer.js";
import documents from "./documents.js";
import guest from "./guest.js";
import guests from "./guests.js";
import moderation from "./moderation.js";
import origins from "./origins.js";
import outage from "./outage.js";
import providers from "./providers.js";
import recordings from "./recordings.js";
import refresh from "./refresh.js";
import room from "./room.js";
import session from "./session.js";
import signUp from "./sign-up.js";

export const flows = [
  code,
  providers,
  signUp,
  developer,
  callback,
  session,
  refresh,
  origins,
  room,
  call,
  guests,
  guest,
  moderation,
  recordings,
  documents,
  cursors,
  outage,
];
