import { request } from 'node:http';
import { slowFactor } from '@cleat/harness';

const CALL_MS = 60_000;

/** Calls the Docker API without a program for each call; throws what the API says went wrong. Resolves with the parsed answer. */
export function dockerCall(socketPath: string, method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<unknown> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const headers = text === undefined ? {} : { 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, method, path, headers, timeout: CALL_MS * slowFactor() }, (response) => {
      let answer = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        answer += chunk;
      });
      response.on('error', reject);
      response.on('end', () => {
        if ((response.statusCode ?? 500) >= 400) reject(new Error(`${method} ${path}: ${response.statusCode} ${answer}`));
        else resolve(answer === '' ? undefined : JSON.parse(answer));
      });
    });
    call.on('timeout', () => call.destroy(new Error(`${method} ${path}: no answer`)));
    call.on('error', reject);
    call.end(text);
  });
}
