/** What the page is told about a session. */

/** Name of the cookie that is there as long as the browser has a session. It holds no secret. */
export const loggedInCookie = 'walvault_logged_in';
