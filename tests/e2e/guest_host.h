/* What the files of guest_host share. */
#ifndef GUEST_HOST_H
#define GUEST_HOST_H

#include <stdint.h>

void publish(uint32_t count);

/** Touch a page whose file has been truncated. */
void break_page(void);

/** The host has handlers of its own, before the recorder and after it. */
void bus(void);

#endif
