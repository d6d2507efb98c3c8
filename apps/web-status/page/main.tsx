/** Starts the page. */
import { render } from 'preact';
import { App } from './app.tsx';
import { stayConnected } from './live/live-connection.ts';
import { keepTabTitle } from './parts/tab-title.ts';

const root = document.getElementById('page');
if (root !== null) {
  root.replaceChildren();
  render(<App />, root);
}
keepTabTitle();
void stayConnected();
