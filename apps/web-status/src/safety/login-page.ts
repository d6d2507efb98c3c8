/** The page that asks for the secret: plain HTML without a script, in the colours that the system wants. */
import type { Access } from './access.ts';

/** What is said above the form. */
export type LoginTrouble = 'wrong' | 'tooMany' | undefined;

/** All of its style; nothing inline, as the content security policy wants it. */
export const loginStyle = `:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0; background: light-dark(#f4f6f8, #0f1217); color: light-dark(#16191f, #e8eaed); }
main { max-width: 24rem; margin: 12vh auto 2rem; padding: 0.5rem 1.5rem 1.5rem; border: 1px solid light-dark(#d9dee4, #2c323a); border-radius: 0.6rem;
  background: light-dark(#fff, #181b20); }
h1 { font-size: 1.3rem; }
label { display: block; font-weight: 600; }
input { box-sizing: border-box; width: 100%; margin-top: 0.3rem; padding: 0.55rem; font: inherit; }
button { padding: 0.55rem 1.2rem; font: inherit; font-weight: 600; }
code { font-size: 0.9em; }
[role=alert] { padding: 0.5rem 0.8rem; border: 1px solid; border-radius: 0.4rem; color: light-dark(#9b1c1c, #ff9b96); }
@media (width < 28rem) { main { margin: 1rem; } }
`;

const words = {
  token: { wrong: 'The token is wrong.', where: 'The token is in the file that <code>--token-file</code> names.' },
  basic: {
    wrong: 'The user or the password is wrong.',
    where: 'User and password are in the file that <code>--basic-auth-file</code> names.',
  },
} as const;

function field(name: string, type: string, label: string, complete: string): string {
  return `<p><label>${label} <input name="${name}" type="${type}" autocomplete="${complete}" required></label></p>`;
}

/** The page. Nothing that was typed in comes back in it. */
export function loginPage({ kind }: Pick<Access, 'kind'>, trouble: LoginTrouble): string {
  const fields =
    kind === 'token'
      ? field('token', 'password', 'Token', 'current-password')
      : field('user', 'text', 'User', 'username') + field('password', 'password', 'Password', 'current-password');
  const said = trouble === 'tooMany' ? 'There were too many wrong attempts. Wait a minute.' : words[kind].wrong;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><link rel="stylesheet" href="login.css">
<title>walvault: log in</title></head><body>
<main><h1>walvault: log in</h1>
<p>${words[kind].where}</p>
${trouble === undefined ? '' : `<p role="alert">${said}</p>`}
<form method="post" action="login">${fields}<p><button>Log in</button></p></form></main>
</body></html>
`;
}
