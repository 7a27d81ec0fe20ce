export { Journal } from '@cleat/core';
